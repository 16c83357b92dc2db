import { expect, it } from 'vitest';
import { SharedPlaces } from './shared-places.ts';

const takeAll = (places: SharedPlaces<string>, holder: string): number => {
  let taken = 0;
  while (places.tryAcquire(holder)) taken++;
  return taken;
};

it('gives one alone a fifth of the places, and others room beside many who take all they get', () => {
  const places = new SharedPlaces<string>(500);
  expect(takeAll(places, 'a')).toBe(100);
  expect(takeAll(places, 'b')).toBe(80);
  for (let n = 0; n < 15; n++) expect(takeAll(places, `c${n}`)).toBeGreaterThan(0);
  expect(places.tryAcquire('newcomer')).toBe(true);
});

it('comes to equal shares as places are given back and asked for again', () => {
  const places = new SharedPlaces<string>(500);
  const all = ['a', 'b', 'c', 'd', 'e'];
  const held = new Map(all.map((holder) => [holder, takeAll(places, holder)]));
  for (let round = 0; round < 500; round++) {
    for (const holder of all) {
      places.release(holder);
      held.set(holder, (held.get(holder) ?? 0) - 1 + takeAll(places, holder));
    }
  }
  const shares = [...held.values()];
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2);
  expect(places.inUse).toBe(shares.reduce((sum, share) => sum + share, 0));
});

it('gives nobody what is not there, and takes back what was given', () => {
  const places = new SharedPlaces<string>(1);
  expect([places.tryAcquire('a'), places.tryAcquire('a'), places.tryAcquire('b')]).toEqual([true, false, false]);
  places.release('a');
  expect(() => places.release('a')).toThrow('more often');
  expect([places.tryAcquire('b'), places.inUse]).toEqual([true, 1]);
  expect(new SharedPlaces<string>(0).tryAcquire('a')).toBe(false);
});
