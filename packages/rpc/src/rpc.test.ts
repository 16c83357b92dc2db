import { setTimeout as sleep } from 'node:timers/promises';
import { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { DirectoryService } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import { silentLogger } from '@grapnel/runtime/logger';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticator, type KeyLookup, tenantOf } from './auth.ts';
import { openChannel } from './client.ts';
import { Code, RpcError } from './errors.ts';
import { type RpcServer, register, startRpcServer } from './server.ts';

const TOKEN = 'service-token-of-a-test';
const revoked = new Set<string>();
const KEYS = ['a-key-of-acme', 'a-key-to-revoke', 'another-to-revoke'];
const keys: KeyLookup = (key) =>
  KEYS.includes(key) && !revoked.has(key) ? { ok: true, tenant: 'acme' } : { ok: false, refusal: 'Invalid API key' };

describe('services over gRPC', () => {
  let server: RpcServer;
  let endedWatches = 0;
  beforeAll(async () => {
    server = await startRpcServer({
      host: '127.0.0.1',
      port: 0,
      logger: silentLogger,
      authenticate: authenticator(TOKEN, keys),
      services: [
        register(IngestService, 'tenant', {
          async publish({ event }, { principal }) {
            if (event?.type === 'bug') throw new Error('a secret detail');
            if (event?.type === 'busy') throw RpcError.unavailable('busy', 1_500);
            if (event?.type === '')
              throw RpcError.invalid([{ field: 'type', code: 'REQUIRED', message: 'is required' }]);
            return { eventId: `${tenantOf(principal)}/${event?.type}`, duplicate: true };
          },
          async publishBatch() {
            return { results: [] };
          },
          async *publishStream(requests) {
            for await (const { tag } of requests) yield { tag };
          },
          async *publishBatches() {
            yield* [];
          },
        }),
        register(DirectoryService, 'service', {
          async *watchEndpoints(_request, { signal }) {
            yield { change: { case: 'revision', value: 7n } };
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
            endedWatches++;
          },
          async *watchApiKeys() {},
        }),
      ],
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const connect = (token: string) => openChannel({ address: server.address, token });
  const publish = async (type: string, token = 'a-key-of-acme', metadata: Record<string, string> = {}) => {
    using channel = connect(token);
    return await channel.client(IngestService).publish({ event: { type } }, { metadata });
  };

  it('answers with the message that the handler made', async () => {
    expect(await publish('crawl.page')).toMatchObject({ eventId: 'acme/crawl.page', duplicate: true });
  });

  it('lets a service act for a tenant that it names, and asks for the name', async () => {
    expect(await publish('x', TOKEN, { 'grapnel-tenant': 'other' })).toMatchObject({ eventId: 'other/x' });
    await expect(publish('x', TOKEN)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    await expect(publish('x', TOKEN, { 'grapnel-tenant': 'No Tenant' })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
    });
  });

  it('AC-01 refuses unknown keys with the words of the API', async () => {
    await expect(publish('x', 'wrong')).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
      message: 'Invalid API key',
    });
  });

  it('keeps tenants from what is for services', async () => {
    using channel = connect('a-key-of-acme');
    const watching = async () => {
      for await (const change of channel.client(DirectoryService).watchEndpoints({})) return change;
      return null;
    };
    await expect(watching()).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
  });

  it('carries field violations and retry times in google.rpc details', async () => {
    await expect(publish('')).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      message: 'type is required',
      details: { violations: [{ field: 'type', code: 'REQUIRED', message: 'is required' }] },
    });
    await expect(publish('busy')).rejects.toMatchObject({ code: Code.UNAVAILABLE, details: { retryAfterMs: 1_500 } });
  });

  it('says nothing of an unexpected error', async () => {
    await expect(publish('bug')).rejects.toMatchObject({ code: Code.INTERNAL, message: 'internal error' });
  });

  it('answers every message of a stream, to its end', async () => {
    using channel = connect('a-key-of-acme');
    const requests = (async function* () {
      for (let tag = 1n; tag <= 500n; tag++) yield { tag };
    })();
    const tags: bigint[] = [];
    for await (const { tag } of channel.client(IngestService).publishStream(requests)) tags.push(tag);
    expect(tags).toEqual(Array.from({ length: 500 }, (_, i) => BigInt(i + 1)));
  });

  it('ends a stream whose key is revoked while it lasts', async () => {
    using channel = connect('a-key-to-revoke');
    const requests = (async function* () {
      for (let tag = 1n; ; tag++) {
        yield { tag };
        await sleep(20);
      }
    })();
    const reading = (async () => {
      for await (const { tag } of channel.client(IngestService).publishStream(requests))
        if (tag === 2n) revoked.add('a-key-to-revoke');
    })();
    await expect(reading).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  it('ends a stream that only answers, and is idle, when its key is revoked', async () => {
    let ended = false;
    await using watched = await startRpcServer({
      host: '127.0.0.1',
      port: 0,
      logger: silentLogger,
      authenticate: authenticator(TOKEN, keys),
      services: [
        register(DirectoryService, 'tenant', {
          async *watchEndpoints(_request, { signal }) {
            yield { change: { case: 'revision', value: 7n } };
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
            ended = true;
          },
          async *watchApiKeys() {},
        }),
      ],
    });
    using channel = openChannel({ address: watched.address, token: 'another-to-revoke' });
    const watching = (async () => {
      for await (const { change } of channel.client(DirectoryService).watchEndpoints({})) {
        expect(change.value).toBe(7n);
        revoked.add('another-to-revoke');
      }
    })();
    await expect(watching).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(ended).toBe(true);
  });

  it('tells a streaming handler when its caller goes away', async () => {
    using channel = connect(TOKEN);
    const stop = new AbortController();
    const before = endedWatches;
    for await (const { change } of channel.client(DirectoryService).watchEndpoints({}, { signal: stop.signal })) {
      expect(change.value).toBe(7n);
      break;
    }
    await expect.poll(() => endedWatches).toBe(before + 1);
  });

  it('honours deadlines', async () => {
    using channel = connect(TOKEN);
    const watching = async () => {
      for await (const { change } of channel.client(DirectoryService).watchEndpoints({}, { timeoutMs: 100 }))
        expect(change).toBeDefined();
    };
    await expect(watching()).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  it('describes itself by reflection and reports its health', async () => {
    const raw = new Client(server.address, credentials.createInsecure());
    const bytes = (value: Buffer): Buffer => value;
    const health = await new Promise<Buffer>((resolve, reject) => {
      raw.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        bytes,
        bytes,
        Buffer.alloc(0),
        new Metadata(),
        (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error as Error)),
      );
    });
    // HealthCheckResponse { status: SERVING }
    expect([...health]).toEqual([0x08, 0x01]);
    const services = await new Promise<string>((resolve, reject) => {
      const call = raw.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', bytes, bytes);
      call.on('data', (answer: Buffer) => {
        resolve(answer.toString('latin1'));
        call.end();
      });
      call.on('error', reject);
      // ServerReflectionRequest { list_services: "" }
      call.write(Buffer.from([0x3a, 0x00]));
    });
    expect(services).toContain('grapnel.ingest.v1.IngestService');
    raw.close();
  });
});
