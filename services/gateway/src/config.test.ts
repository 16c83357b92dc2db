import { ConfigError } from '@grapnel/runtime/env';
import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const ENV = {
  GRAPNEL_SERVICE_TOKEN: 'a-service-token-for-tests-only',
  SUBSCRIPTION_GRPC: 'subscription:8083',
  QUERY_GRPC: '127.0.0.1:8084',
  DELIVERY_GRPC: '[::1]:8085',
  INGEST_GRPC: 'ingest.svc.local:8081',
};

describe('configuration', () => {
  it('has defaults for what need not be said', () => {
    const config = readConfig(ENV);
    expect(config).toMatchObject({ port: 8080, tails: { max: 500, maxPerTenant: 20 } });
    expect(config.services).toEqual({
      subscription: 'subscription:8083',
      query: '127.0.0.1:8084',
      delivery: '[::1]:8085',
      ingest: 'ingest.svc.local:8081',
    });
  });

  it('says everything that is wrong at once', () => {
    const read = () => readConfig({ ...ENV, GATEWAY_PORT: '70000', QUERY_GRPC: 'http://query:8084', INGEST_GRPC: '' });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/GATEWAY_PORT is "70000"/);
    expect(read).toThrow(/QUERY_GRPC is "http:\/\/query:8084"; it may be host:port/);
    expect(read).toThrow(/INGEST_GRPC is required/);
  });
});
