import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeyRing } from '@grapnel/domain/security/keyring';
import { type RpcConfig, readKeyRing, readRpcConfig } from '@grapnel/rpc/config';
import { type CommonConfig, readCommonConfig } from '@grapnel/runtime/common-config';
import { EnvReader, type EnvSource } from '@grapnel/runtime/env';
import { readStreamConfig, type StreamConfig } from '@grapnel/stream/config';
import { readSignatureHeaders, type SignatureHeaders } from './signature-headers.ts';

export interface DispatcherConfig {
  readonly common: CommonConfig;
  readonly stream: StreamConfig;
  readonly rpc: RpcConfig;
  readonly grpcPort: number;
  /** `host:port` of the subscription service. */
  readonly subscription: string;
  /** `host:port` of the history; without it, what waits at a disabled webhook is skipped only when it is due. */
  readonly query: string | null;
  /** Opens the secrets that the directory brings sealed. */
  readonly keyRing: KeyRing;
  readonly signatureHeaders: SignatureHeaders;
  /** Development only: loopback and private addresses may be reached. */
  readonly allowLocalWebhooks: boolean;
  /** Further certificate authorities in PEM. */
  readonly egressCa: string | null;
  /** Name servers for customers' names, `host:port`; empty: the system's. */
  readonly dnsServers: readonly string[];
  readonly connectTimeoutMs: number;
  readonly maxInFlightPerEndpoint: number;
  readonly ackWaitMs: number;
}

/** An address as it is written with a port: `10.0.0.2`, `10.0.0.2:53`, `[fd00::2]:53`, `fd00::2`. */
const DNS_SERVER = /^(\d+(\.\d+){3}(:\d+)?|\[[0-9a-f:]+\](:\d+)?|[0-9a-f:]+)$/i;

/** @throws ConfigError */
export function readConfig(source: EnvSource): DispatcherConfig {
  const env = new EnvReader(source);
  const config = {
    common: readCommonConfig(env),
    stream: readStreamConfig(env),
    rpc: readRpcConfig(env),
    grpcPort: env.integer('DELIVERY_GRPC_PORT', 8085, { min: 0, max: 65_535 }),
    subscription: env.text('SUBSCRIPTION_GRPC', '127.0.0.1:8083'),
    query: env.optional('QUERY_GRPC'),
    keyRing: readKeyRing(env),
    signatureHeaders: readSignatureHeaders(env),
    allowLocalWebhooks: env.boolean('ALLOW_LOCAL_WEBHOOKS', false),
    egressCa: readCertificates(env, 'GRAPNEL_EGRESS_CA_FILE'),
    dnsServers: readDnsServers(env),
    connectTimeoutMs: env.integer('GRAPNEL_CONNECT_TIMEOUT_MS', 10_000, { min: 100, max: 60_000 }),
    maxInFlightPerEndpoint: env.integer('GRAPNEL_ENDPOINT_MAX_IN_FLIGHT', 64, { min: 1, max: 1_024 }),
    ackWaitMs: env.integer('GRAPNEL_ACK_WAIT_MS', 20_000, { min: 1_000, max: 300_000 }),
  };
  env.done();
  return config;
}

function readDnsServers(env: EnvReader): string[] {
  const name = 'GRAPNEL_DNS_SERVERS';
  const servers = (env.optional(name) ?? '').split(',').map((server) => server.trim());
  const wrong = servers.filter((server) => server !== '' && !DNS_SERVER.test(server));
  if (wrong.length > 0)
    env.problem(`${name} has "${wrong[0]}"; it may be addresses, each with a port or not, separated by commas`);
  return servers.filter((server) => server !== '');
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

function readCertificates(env: EnvReader, name: string): string | null {
  const file = env.optional(name);
  if (file === null) return null;
  try {
    const pem = readFileSync(file, 'utf8');
    // Read one by one: whoever connects with them passes over what is no certificate, without a word.
    const certificates = pem.match(CERTIFICATES)?.map((one) => new X509Certificate(one).toString());
    if (certificates === undefined) throw new Error('there is none in it');
    return certificates.join('');
  } catch (error) {
    env.problem(`${name} must be a file of certificates in PEM: ${(error as Error).message}`);
    return null;
  }
}
