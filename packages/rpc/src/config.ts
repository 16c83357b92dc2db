import { type KeyRing, parseKeyRing } from '@grapnel/domain/security/keyring';
import type { EnvReader } from '@grapnel/runtime/env';
import type { TlsFiles } from './tls.ts';

/** How services know and trust each other. */
export interface RpcConfig {
  /** Shared by all services; never a tenant's. */
  readonly serviceToken: string;
  readonly tls: TlsFiles;
}

export function readRpcConfig(env: EnvReader): RpcConfig {
  const tls = {
    certFile: env.optional('GRAPNEL_TLS_CERT_FILE'),
    keyFile: env.optional('GRAPNEL_TLS_KEY_FILE'),
    caFile: env.optional('GRAPNEL_TLS_CA_FILE'),
  };
  if ((tls.certFile === null) !== (tls.keyFile === null)) {
    env.problem('GRAPNEL_TLS_CERT_FILE and GRAPNEL_TLS_KEY_FILE go together');
  }
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
