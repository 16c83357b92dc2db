import type { EnvSource } from '@grapnel/runtime/env';
import type { Ports } from './ports.ts';
import type { Secrets } from './secrets.ts';

export type ServiceName = 'gateway' | 'ingest' | 'subscription' | 'dispatcher' | 'projector';

/** What all services of a platform are told. */
export interface Surroundings {
  readonly inherited: EnvSource;
  readonly host: string;
  readonly ports: Ports;
  readonly secrets: Secrets;
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly allowLocalWebhooks: boolean;
  readonly timeScale: number;
  readonly stopWithinMs: number;
}

/** What differs between two processes of the same service. */
export interface Place {
  /** 0 for any free one. */
  readonly opsPort: number;
  /** The first dispatcher has the platform's port for commands, further ones any. */
  readonly first: boolean;
}

/** Given to those who need them, and to nobody else. */
const WITHHELD = ['GRAPNEL_API_KEY', 'GRAPNEL_KEYRING', 'GRAPNEL_SERVICE_TOKEN', 'DATABASE_URL', 'NODE_CHANNEL_FD'];

/** The environment of one service process. */
export function serviceEnv(service: ServiceName, around: Surroundings, place: Place): Record<string, string> {
  const { ports, secrets } = around;
  const inherited = Object.entries(around.inherited).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !WITHHELD.includes(entry[0]),
  );
  return {
    ...Object.fromEntries(inherited),
    GRAPNEL_MODE: 'development',
    GRAPNEL_HOST: around.host,
    GRAPNEL_OPS_PORT: String(place.opsPort),
    GRAPNEL_SERVICE_TOKEN: secrets.serviceToken,
    GRAPNEL_TIME_SCALE: String(around.timeScale),
    GRAPNEL_STOP_WITHIN_MS: String(around.stopWithinMs),
    NATS_URL: around.natsUrl,
    SUBSCRIPTION_GRPC: peer(around.host, ports.subscriptionGrpc),
    ...own(service, around, place),
  };
}

function own(service: ServiceName, around: Surroundings, place: Place): Record<string, string> {
  const { host, ports, secrets } = around;
  const sealed = { GRAPNEL_KEYRING: secrets.keyRing, ALLOW_LOCAL_WEBHOOKS: String(around.allowLocalWebhooks) };
  switch (service) {
    case 'gateway':
      return {
        GATEWAY_PORT: String(ports.gateway),
        INGEST_GRPC: peer(host, ports.ingestGrpc),
        QUERY_GRPC: peer(host, ports.queryGrpc),
        DELIVERY_GRPC: peer(host, ports.deliveryGrpc),
        GRAPNEL_TRIGGERS_URL: `http://${peer(host, ports.ingestHttp)}`,
      };
    case 'ingest':
      return {
        INGEST_GRPC_PORT: String(ports.ingestGrpc),
        INGEST_HTTP_PORT: String(ports.ingestHttp),
        DELIVERY_GRPC: peer(host, ports.deliveryGrpc),
      };
    case 'subscription':
      return {
        SUBSCRIPTION_GRPC_PORT: String(ports.subscriptionGrpc),
        QUERY_GRPC: peer(host, ports.queryGrpc),
        DELIVERY_GRPC: peer(host, ports.deliveryGrpc),
        ...sealed,
      };
    case 'dispatcher':
      return {
        DELIVERY_GRPC_PORT: String(place.first ? ports.deliveryGrpc : 0),
        QUERY_GRPC: peer(host, ports.queryGrpc),
        ...sealed,
      };
    case 'projector':
      return { QUERY_GRPC_PORT: String(ports.queryGrpc), DATABASE_URL: around.databaseUrl };
  }
}

/** How a process on this machine reaches a port that listens on `host`. */
export function peer(host: string, port: number): string {
  if (host === '0.0.0.0') return `127.0.0.1:${port}`;
  if (host === '::') return `[::1]:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
