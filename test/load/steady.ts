import { setTimeout as sleep } from 'node:timers/promises';

/** Calls `send` so many times a second for so long, evenly, however long each takes; resolves when all have ended. */
export async function steadily(rate: number, seconds: number, send: (n: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  const total = Math.round(rate * seconds);
  const pending: Promise<unknown>[] = [];
  for (let n = 0; n < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * rate));
    while (n < due) pending.push(send(n++));
    await sleep(1);
  }
  await Promise.all(pending);
  return total;
}

/** Looks until `probe` is satisfied; `false` when the time is over. */
export async function until(probe: () => Promise<boolean>, seconds: number): Promise<boolean> {
  const deadline = performance.now() + seconds * 1_000;
  while (performance.now() < deadline) {
    if (await probe()) return true;
    await sleep(50);
  }
  return false;
}
