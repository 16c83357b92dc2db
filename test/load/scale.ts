import { emptied } from './dispatcher.ts';
import { Ground } from './ground.ts';
import { bodyOf, perSecond, undiciLimit } from './limits.ts';
import type { Bench, Figure } from './report.ts';

const WEBHOOKS = 200;

/** What further dispatchers bring, and what a delivery costs as its body grows; each beside bare undici with the same body. */
export const scale: Bench = async ({ quick, log }) => {
  const figures: Figure[] = [];
  const count = quick ? 10_000 : 50_000;
  let alone = 0;
  for (const processes of [1, 2, 4]) {
    const { rate, cpu } = await run(log, count, 1_024, processes);
    if (processes === 1) alone = rate;
    const dispatchers = Object.entries(cpu).flatMap(([name, seconds]) =>
      name.startsWith('dispatcher') ? [seconds] : [],
    );
    const ratio = processes === 1 ? {} : { ratio: { of: 'one process', value: rate / alone } };
    figures.push(
      { name: `${processes} dispatchers: deliveries`, value: rate, unit: 'per s', ...ratio },
      {
        name: `${processes} dispatchers: CPU of all`,
        value: (dispatchers.reduce((a, b) => a + b, 0) * 1e6) / count,
        unit: 'µs per delivery',
      },
    );
  }
  for (const bytes of [1_024, 10_240, 102_400, 1_000_000]) {
    // Enough of the largest for everything to be compiled as it stays.
    const many = Math.min(count, Math.round((quick ? 100_000_000 : 1_000_000_000) / bytes));
    const { rate, cpu, undici } = await run(log, many, bytes, 1);
    const name = `${Math.round(bytes / 1_024)} KB`;
    figures.push(
      { name: `limit: bare undici, ${name}`, value: undici.rate, unit: 'requests/s' },
      {
        name: `${name}: deliveries`,
        value: rate,
        unit: 'per s',
        ratio: { of: 'bare undici', value: rate / undici.rate },
      },
      {
        name: `${name}: CPU of the dispatcher`,
        value: ((cpu['dispatcher'] ?? 0) * 1e6) / many,
        unit: 'µs per delivery',
      },
      { name: `${name}: CPU of nats-server`, value: ((cpu['nats'] ?? 0) * 1e6) / many, unit: 'µs per delivery' },
    );
  }
  return { name: `scale: ${count} deliveries of 1 KB by 1, 2, 4 dispatchers; 1 KB to 1 MB by one`, figures, notes: [] };
};

async function run(log: (line: string) => void, count: number, bytes: number, processes: number) {
  log(`${processes} dispatchers, ${count} deliveries of ${bytes} bytes …`);
  await using ground = await Ground.start(log);
  const { receiver } = ground;
  const undici = await undiciLimit(receiver.url, Math.min(count, 20_000), bytes);
  const webhooks = await ground.webhooksFor(Array.from({ length: WEBHOOKS }, (_, i) => `${receiver.url}/ok/${i}`));
  let n = 0;
  await perSecond(count, 128, () => ground.deliver(webhooks[n++ % WEBHOOKS] ?? 'wh_', bodyOf(bytes)));
  return { ...(await emptied(ground, count, processes)), undici };
}
