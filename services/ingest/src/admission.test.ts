import { expect, it } from 'vitest';
import { Admission } from './admission.ts';

const never = new AbortController().signal;
const LIMIT = { events: 40, bytes: 4_000 };

function takeAll(admission: Admission, tenant: string, bytes = 1): number {
  let taken = 0;
  while (admission.tryEnter(tenant, bytes)) taken++;
  return taken;
}

it('lets one tenant have three quarters of the room, and others in beside it', () => {
  const admission = new Admission(LIMIT);
  expect(takeAll(admission, 'a')).toBe(30);
  expect(admission.tryEnter('b', 1)).toBe(true);
  expect(admission.tryEnter('a', 1)).toBe(false);
  const byBytes = new Admission(LIMIT);
  expect(takeAll(byBytes, 'a', 1_000)).toBe(3);
  expect([byBytes.tryEnter('b', 1_000), byBytes.events, byBytes.bytes]).toEqual([true, 4, 4_000]);
});

it('lets anything into an empty house, and whatever fits at once for who has nothing', () => {
  const admission = new Admission(LIMIT);
  expect(admission.tryEnter('a', 9_000, 100)).toBe(true);
  expect(admission.tryEnter('b', 1)).toBe(false);
  for (let n = 0; n < 100; n++) admission.leave('a', 90);
  expect(admission.tryEnter('a', 10, 10)).toBe(true);
  expect(admission.tryEnter('b', 10, 30)).toBe(true);
});

it('lets tenants in by turns: a long line of one keeps nobody else waiting', async () => {
  const admission = new Admission(LIMIT);
  const inside: string[] = [];
  const enter = (tenant: string) => admission.enter(tenant, 1, never).then(() => void inside.push(tenant));
  const hasty = Array.from({ length: 100 }, () => enter('hasty'));
  await Promise.all(hasty.slice(0, 30));
  expect(admission.tryEnter('hasty', 1)).toBe(false);
  for (let n = 0; n < 10; n++) expect(admission.tryEnter(`n${n}`, 1)).toBe(true);
  const others = [enter('x'), enter('y')];
  expect(admission.tryEnter('z', 1)).toBe(false);
  for (const at of [0, 1]) {
    admission.leave('hasty', 1);
    await others[at];
  }
  expect(inside.slice(30)).toEqual(['x', 'y']);
  for (let n = 0; n < 10; n++) admission.leave(`n${n}`, 1);
  for (let left = 2; left < 100; left++) {
    await hasty[left];
    admission.leave('hasty', 1);
  }
  expect([admission.events, inside.length]).toEqual([2, 102]);
});

it('goes on with those behind when somebody gives up, and forgets nothing', async () => {
  const admission = new Admission({ events: 4, bytes: 4_000 });
  expect(takeAll(admission, 'a')).toBe(3);
  const stop = new AbortController();
  const impatient = admission.enter('a', 1, stop.signal);
  const patient = admission.enter('a', 1, never);
  stop.abort(new Error('gave up'));
  await expect(impatient).rejects.toThrow('gave up');
  admission.leave('a', 1);
  await patient;
  expect(admission.events).toBe(3);
  const idle = admission.idle();
  for (let n = 0; n < 3; n++) admission.leave('a', 1);
  await idle;
  expect([admission.events, admission.bytes]).toEqual([0, 0]);
});
