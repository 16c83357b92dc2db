import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let storeDir: string;

beforeEach(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'grapnel-nats-'));
});
afterEach(() => rm(storeDir, { recursive: true }));

async function storedMessages(url: string): Promise<number> {
  const nats = await connect({ servers: url });
  const reply = await nats.request('$JS.API.STREAM.INFO.KEPT');
  await nats.close();
  return reply.json<{ state: { messages: number } }>().state.messages;
}

describe('an embedded nats-server', () => {
  it('keeps its streams over a stop and over kill -9', async () => {
    const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: () => undefined });
    const first = await startNats({ binary, storeDir });
    const nats = await connect({ servers: first.url, reconnect: false });
    const stream = { name: 'KEPT', subjects: ['kept.>'], storage: 'file' };
    await nats.request('$JS.API.STREAM.CREATE.KEPT', JSON.stringify(stream));
    for (let index = 0; index < 10; index += 1) await nats.request(`kept.${index}`, 'x');
    await nats.close();
    await first.stop();

    const second = await startNats({ binary, storeDir });
    expect(await storedMessages(second.url)).toBe(10);
    await second.kill();

    await using third = await startNats({ binary, storeDir });
    expect(await storedMessages(third.url)).toBe(10);
  });
});
