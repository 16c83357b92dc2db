import { describe, expect, it } from 'vitest';
import { readUpConfig, streamConfig } from './config.ts';

describe('configuration of up', () => {
  it('has the usual ports and embedded servers', () => {
    const config = readUpConfig({});
    expect(config.ports).toEqual({
      ...{ gateway: 8080, ingestGrpc: 8081, ingestHttp: 8082 },
      ...{ subscriptionGrpc: 8083, queryGrpc: 8084, deliveryGrpc: 8085 },
    });
    expect(config).toMatchObject({ natsUrl: null, databaseUrl: null, apiKey: null, timeScale: null });
    expect(config.common.host).toBe('127.0.0.1');
  });

  it('gives the streams of the environment at the server that is used', () => {
    const config = readUpConfig({ GRAPNEL_STREAM_PREFIX: 'X_', GRAPNEL_SUBJECT_PREFIX: 'x.' });
    expect(streamConfig(config, 'nats://here:1')).toMatchObject({
      servers: ['nats://here:1'],
      names: { streams: { events: 'X_EVENTS' } },
    });
  });

  it.each([
    [{}, false],
    [{ NATS_SYNC_ALWAYS: 'true' }, true],
    [{ NATS_SYNC_ALWAYS: 'true', GRAPNEL_PUBLISH_BATCHES: 'false' }, false],
  ])('publishes in batches where every write goes to the disk: %o', (env, batches) => {
    const config = readUpConfig(env);
    expect(config.provision.batches).toBe(batches);
    // What the services read, and the streams are made for, is the same.
    expect(streamConfig(config, 'nats://here:1').batches).toBe(batches);
  });

  it('allows a time scale, being for development', () => {
    expect(readUpConfig({ GRAPNEL_TIME_SCALE: '60', GRAPNEL_MODE: 'production' }).timeScale).toBe(60);
  });

  it.each([
    [{ GATEWAY_PORT: '70000' }, 'GATEWAY_PORT is "70000"'],
    [{ GATEWAY_PORT: '8081' }, 'GATEWAY_PORT and INGEST_GRPC_PORT are both 8081'],
    [{ GRAPNEL_API_KEY: 'short' }, 'GRAPNEL_API_KEY is too short'],
  ])('refuses %o', (env, sentence) => {
    expect(() => readUpConfig(env)).toThrow(sentence);
  });
});
