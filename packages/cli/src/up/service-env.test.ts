import { describe, expect, it } from 'vitest';
import { peer, type ServiceName, serviceEnv } from './service-env.ts';

const around = {
  inherited: {
    PATH: '/bin',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    GRAPNEL_API_KEY: 'the key',
    GRAPNEL_KEYRING: 'k0:old',
    DATABASE_URL: 'postgres://elsewhere',
    GRAPNEL_MODE: 'production',
  },
  host: '127.0.0.1',
  ports: { gateway: 1, ingestGrpc: 2, ingestHttp: 3, subscriptionGrpc: 4, queryGrpc: 5, deliveryGrpc: 6 },
  secrets: { serviceToken: 'token', keyRing: 'k1:new', apiKey: 'the key' },
  natsUrl: 'nats://here',
  databaseUrl: 'postgres://here',
  allowLocalWebhooks: true,
  timeScale: 60,
  stopWithinMs: 10_000,
};
const envOf = (service: ServiceName, first = true): Record<string, string> =>
  serviceEnv(service, around, { opsPort: 0, first });

describe('the environment of a service', () => {
  it('hands on what it inherits, but for what it must not have', () => {
    const env = envOf('ingest');
    expect(env).toMatchObject({ PATH: '/bin', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' });
    expect(env).toMatchObject({ GRAPNEL_MODE: 'development', GRAPNEL_SERVICE_TOKEN: 'token' });
    for (const name of ['GRAPNEL_API_KEY', 'GRAPNEL_KEYRING', 'DATABASE_URL']) expect(env).not.toHaveProperty(name);
  });

  it('gives the key ring and the database to those who need them alone', () => {
    const services = ['gateway', 'ingest', 'subscription', 'dispatcher', 'projector'] as const;
    const having = (name: string): string[] => services.filter((service) => name in envOf(service));
    expect(having('GRAPNEL_KEYRING')).toEqual(['subscription', 'dispatcher']);
    expect(having('DATABASE_URL')).toEqual(['projector']);
    expect(envOf('projector')['DATABASE_URL']).toBe('postgres://here');
  });

  it('gives the port for commands to the first dispatcher', () => {
    expect(envOf('dispatcher')['DELIVERY_GRPC_PORT']).toBe('6');
    expect(envOf('dispatcher', false)['DELIVERY_GRPC_PORT']).toBe('0');
  });

  it.each([
    ['127.0.0.1', '127.0.0.1:9'],
    ['0.0.0.0', '127.0.0.1:9'],
    ['::', '[::1]:9'],
    ['fd00::1', '[fd00::1]:9'],
  ])('what listens on %s is reached at %s', (host, address) => {
    expect(peer(host, 9)).toBe(address);
  });
});
