import { systemClock } from '@grapnel/runtime/clock';
import { eventually } from '@grapnel/testkit/eventually';
import { expect, it } from 'vitest';
import { JobEnds } from './job-end.ts';

const PATIENT = { timeoutMs: 15_000 };
const never = new AbortController().signal;
const at = (sequence: number) => ({ sequence, working: () => {} });
const of = (jobId: string) => ({ tenant: 'acme', jobId });

it('FC-09 the end of a job waits for every earlier event, but not for the ends of other jobs', async () => {
  let floor = 8;
  let looks = 0;
  const ends = new JobEnds(() => Promise.resolve((looks++, floor)), systemClock);
  const begun: string[] = [];
  const stored = Promise.withResolvers<void>();
  const end = (sequence: number, job: string) =>
    ends.inOrder(at(sequence), of(job), () => (begun.push(`${job}:${sequence}`), stored.promise), never);
  const all = [end(10, 'a'), end(11, 'b'), end(12, 'a')];
  await eventually(() => looks > 3, PATIENT);
  expect(begun).toEqual([]);
  floor = 9;
  await eventually(() => begun.length === 2, PATIENT);
  expect(begun).toEqual(['a:10', 'b:11']);
  stored.resolve();
  floor = 11;
  expect(await Promise.all(all)).toEqual([true, true, true]);
  expect(begun).toEqual(['a:10', 'b:11', 'a:12']);
});

it('FC-09 ends leave room for what they wait for: when many wait, the next one is to come again', async () => {
  let floor = 0;
  const stop = new AbortController();
  const ends = new JobEnds(() => Promise.resolve(floor), systemClock);
  const waiting = Array.from({ length: 128 }, (_, n) =>
    ends.inOrder(at(1_000 + n), of(`job-${n}`), () => Promise.resolve(), stop.signal),
  );
  expect(await ends.inOrder(at(2_000), of('late'), () => Promise.reject(new Error('not its turn')), never)).toBe(false);
  // One that has its turn is not kept from it by those who have not.
  expect(await ends.inOrder(at(1), of('first'), () => Promise.resolve(), never)).toBe(true);
  floor = 999;
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => true));
  stop.abort();
});
