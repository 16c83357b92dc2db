import { readFileSync } from 'node:fs';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

/** PEM files of one side; with `caFile` a server also asks its clients for certificates (mTLS). By half they throw: plain text is never a fallback. */
export interface TlsFiles {
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly caFile: string | null;
}

const HALF_A_PAIR = 'TLS has a certificate without its key, or a key without its certificate';

export const NO_TLS: TlsFiles = { certFile: null, keyFile: null, caFile: null };

export function serverCredentials({ certFile, keyFile, caFile }: TlsFiles): ServerCredentials {
  if (certFile === null && keyFile === null) {
    if (caFile !== null) throw new Error('TLS has an authority for clients and is without a certificate of its own');
    return ServerCredentials.createInsecure();
  }
  if (certFile === null || keyFile === null) throw new Error(HALF_A_PAIR);
  const pair = { cert_chain: readFileSync(certFile), private_key: readFileSync(keyFile) };
  return ServerCredentials.createSsl(caFile === null ? null : readFileSync(caFile), [pair], caFile !== null);
}

export function channelCredentials({ certFile, keyFile, caFile }: TlsFiles): ChannelCredentials {
  if ((certFile === null) !== (keyFile === null)) throw new Error(HALF_A_PAIR);
  if (caFile === null) {
    if (certFile !== null) throw new Error('TLS has a certificate and is without an authority to know servers by');
    return ChannelCredentials.createInsecure();
  }
  const own = certFile === null || keyFile === null ? [] : ([readFileSync(keyFile), readFileSync(certFile)] as const);
  return ChannelCredentials.createSsl(readFileSync(caFile), ...own);
}
