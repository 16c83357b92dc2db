import type { Message } from '@grapnel/contracts/message';
import { decodeText } from '@grapnel/contracts/message';
import { type Topology, topology } from '@grapnel/contracts/topology';
import { systemClock } from '@grapnel/runtime/clock';
import { EnvReader } from '@grapnel/runtime/env';
import { silentLogger } from '@grapnel/runtime/logger';
import { openCheckpoints } from '@grapnel/stream/checkpoints';
import { readStreamConfig } from '@grapnel/stream/config';
import { type OpenStreams, openStreams } from '@grapnel/stream/open';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { eventually } from '@grapnel/testkit/eventually';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followStream, type Part } from './follow-stream.ts';

let open: OpenStreams;
let names: Topology;
beforeAll(async () => {
  const prefix = testPrefix();
  names = topology(prefix, 1);
  const env = { NATS_URL: natsUrl(), GRAPNEL_STREAM_PREFIX: prefix.stream, GRAPNEL_SUBJECT_PREFIX: prefix.subject };
  open = await openStreams(readStreamConfig(new EnvReader(env)), 'follow', systemClock, silentLogger);
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
});
afterAll(() => open[Symbol.asyncDispose]());

const say = (text: string) =>
  open.streams.publish({ subject: names.subjects.outcome('wh_x'), body: Buffer.from(text), headers: {} });

/** Follows until left; what it has heard. */
async function follower(name: string, beginning: Part<Message>['beginning']) {
  const checkpoints = await openCheckpoints(open.connections.publishing, names.buckets.checkpoints);
  const stop = new AbortController();
  const heard: string[] = [];
  const handle: Part<Message>['handle'] = async (batch) =>
    void heard.push(...batch.map(({ body }) => decodeText(body)));
  const context = { streams: open.streams, checkpoints, clock: systemClock, logger: silentLogger };
  const following = followStream(
    {
      stream: names.streams.outcomes,
      prepare: (batch) => Promise.resolve(batch),
      parts: [{ name, beginning, handle }],
    },
    context,
    stop.signal,
  );
  const leave = async (): Promise<string[]> => {
    stop.abort();
    await following;
    return heard;
  };
  /** Where the next one would go on. */
  const position = async () => (await checkpoints.load(name))?.value;
  return { heard, leave, position };
}

it('tells no old news when the checkpoint was lost, and everything from then on', async () => {
  const old = await say('old');
  const first = await follower('news', 'now');
  await eventually(async () => expect(await first.position()).toBe(old.sequence));
  expect(await first.leave()).toEqual([]);

  // Nobody follows just now: the position that was kept at once covers it.
  const missed = await say('missed');
  const second = await follower('news', 'now');
  await eventually(async () => expect(await second.position()).toBe(missed.sequence));
  expect(await second.leave()).toEqual(['missed']);
});

it('does it all again where that changes nothing', async () => {
  const last = await say('again');
  const all = await follower('sums', 'oldest');
  await eventually(async () => expect(await all.position()).toBe(last.sequence));
  expect(await all.leave()).toEqual(['old', 'missed', 'again']);
});
