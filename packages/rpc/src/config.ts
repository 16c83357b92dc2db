import { type KeyRing, parseKeyRing } from '@grapnel/domain/security/keyring';
import type { EnvReader } from '@grapnel/runtime/env';
import type { TlsFiles } from './tls.ts';

/** How services know and trust each other. */
export interface RpcConfig {
  /** Shared by all services; never a tenant's. */
  readonly serviceToken: string;
  readonly tls: TlsFiles;
}

/**
 * `serves`: it is called itself, and not only calls others. Services trust each other both ways or not at all: what is
 * configured by half would send a part of it in plain text, or refuse everybody.
 */
export function readTls(env: EnvReader, serves: boolean): TlsFiles {
  const files = { certFile: env.optional(CERT), keyFile: env.optional(KEY), caFile: env.optional(CA) };
  const { certFile, keyFile, caFile } = files;
  const missing = (name: string, why: string): void => env.problem(`${name} is required ${why}`);
  if (certFile === null && keyFile !== null) missing(CERT, `with ${KEY}`);
  if (keyFile === null && certFile !== null) missing(KEY, `with ${CERT}`);
  if (certFile !== null && caFile === null) missing(CA, `with ${CERT}: calls to other services would be in plain text`);
  if (caFile !== null && certFile === null && keyFile === null && serves) {
    missing(CERT, `with ${CA}: this service would answer in plain text`);
    missing(KEY, `with ${CA}`);
  }
  return files;
}

const CERT = 'GRAPNEL_TLS_CERT_FILE';
const KEY = 'GRAPNEL_TLS_KEY_FILE';
const CA = 'GRAPNEL_TLS_CA_FILE';

export function readRpcConfig(env: EnvReader, serves = true): RpcConfig {
  const tls = readTls(env, serves);
  const serviceToken = env.secret('GRAPNEL_SERVICE_TOKEN');
  // It travels in an HTTP header.
  if (!/^[\x21-\x7e]*$/.test(serviceToken))
    env.problem('GRAPNEL_SERVICE_TOKEN may hold printable ASCII without spaces');
  return { serviceToken, tls };
}

/** The ring that seals secrets at rest, for the services that seal and open them; what is wrong with it is said without quoting it. */
export function readKeyRing(env: EnvReader): KeyRing {
  const text = env.secret('GRAPNEL_KEYRING');
  try {
    if (text !== '') return parseKeyRing(text);
  } catch (error) {
    env.problem(`GRAPNEL_KEYRING: ${(error as Error).message}`);
  }
  return { primary: '', keys: new Map() };
}
