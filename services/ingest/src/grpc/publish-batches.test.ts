import { Code } from '@grapnel/rpc/errors';
import { expect, it } from 'vitest';
import { json, startIngest } from '../ingest-fixture.ts';

const event = (id: string, type = 'crawl.page') => ({ id, type, data: json(id) });

/** The answers by their tags, in words. */
async function answersTo(batches: readonly { tag: bigint; events: ReturnType<typeof event>[] }[], env = {}) {
  await using ingest = await startIngest({ env });
  const requests = async function* () {
    yield* batches;
  };
  const said = new Map<bigint, string[]>();
  for await (const { tag, results, refused } of ingest.client.publishBatches(requests())) {
    const words = results.map(({ outcome }) =>
      outcome.case === 'accepted' ? `stored ${outcome.value.eventId}` : `${outcome.value?.fields[0]?.field} is wrong`,
    );
    said.set(tag, refused === undefined ? words : [`refused: ${refused.message}`]);
  }
  return { said, stored: await ingest.stored() };
}

it('answers each batch by its tag, and each of its events by its place', async () => {
  const { said, stored } = await answersTo([
    { tag: 7n, events: [event('a'), event('b', 'nope'), event('c')] },
    { tag: 9n, events: [event('d')] },
  ]);
  expect(said.get(7n)).toEqual(['stored a', 'type is wrong', 'stored c']);
  expect(said.get(9n)).toEqual(['stored d']);
  expect(stored).toBe(3);
});

it('refuses a batch as a whole for its own faults, and goes on with the next', async () => {
  const tooMany = Array.from({ length: 1_001 }, (_, n) => event(`n-${n}`));
  const { said, stored } = await answersTo([
    { tag: 1n, events: [] },
    { tag: 2n, events: tooMany },
    { tag: 3n, events: [event('a')] },
  ]);
  expect(said.get(1n)?.[0]).toContain('events is required');
  expect(said.get(2n)?.[0]).toContain('events has 1001 events; at most 1000 are allowed');
  expect(said.get(3n)).toEqual(['stored a']);
  expect(stored).toBe(1);
});

it('lets batches wait for room instead of refusing them', async () => {
  const batches = Array.from({ length: 40 }, (_, batch) => ({
    tag: BigInt(batch),
    events: Array.from({ length: 50 }, (__, n) => event(`${batch}-${n}`)),
  }));
  const { said, stored } = await answersTo(batches, { INGEST_MAX_OUTSTANDING_EVENTS: '16' });
  expect(said.size).toBe(40);
  expect(new Set([...said.values()].flat()).size).toBe(2_000);
  expect(stored).toBe(2_000);
});

it('takes no batches without a key that is known', async () => {
  await using ingest = await startIngest();
  const requests = async function* () {
    yield { tag: 1n, events: [event('a')] };
  };
  const reading = (async () => {
    for await (const answer of ingest.clientWith('no-key').publishBatches(requests())) expect(answer).toBeNull();
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
});
