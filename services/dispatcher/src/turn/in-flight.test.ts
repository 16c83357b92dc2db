import type { Received } from '@grapnel/stream/ports';
import { FakeClock } from '@grapnel/testkit/fake-clock';
import { expect, it } from 'vitest';
import { InFlight } from './in-flight.ts';

const MB = 1_048_576;

/** As much of a message as is looked at here. */
const message = (subject: string, megabytes: number, said: string[] = []): Received =>
  ({ subject, body: { byteLength: megabytes * MB }, working: () => said.push(subject) }) as unknown as Received;

function bench() {
  const clock = new FakeClock();
  const inFlight = new InFlight(clock, 4_000, ({ subject }) => subject === 'slow');
  const free: string[] = [];
  const enter = (name: string, received: Received) => {
    const place = inFlight.enter(received);
    void place.free.then(() => free.push(name));
    return place;
  };
  return { clock, inFlight, free, enter };
}

it('gives the places of slow endpoints to others after half a second, and keeps what takes long from being given away', async () => {
  const { clock, free, enter } = bench();
  const said: string[] = [];
  enter('a', message('slow', 1, said));
  const quick = enter('b', message('quick', 1, said));
  await clock.advance(750);
  expect([free, said]).toEqual([['a'], []]);
  await clock.advance(500);
  expect(said).toEqual(['slow', 'quick']);
  quick.leave();
  await clock.advance(0);
  expect(free).toEqual(['a', 'b']);
});

it('gives up no more places than their bodies leave memory', async () => {
  const { clock, inFlight, free, enter } = bench();
  const [first] = [
    enter('a', message('slow', 300)),
    enter('b', message('slow', 300)),
    enter('c', message('slow', 100)),
  ];
  await clock.advance(1_000);
  expect(free).toEqual(['a', 'c']);
  first.leave();
  await clock.advance(250);
  expect([free, inFlight.size]).toEqual([['a', 'c', 'b'], 2]);
});
