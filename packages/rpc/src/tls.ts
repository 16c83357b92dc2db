import { readFileSync } from 'node:fs';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

/** PEM files of one side; with `caFile` a server also asks its clients for certificates (mTLS). */
export interface TlsFiles {
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly caFile: string | null;
}

export const NO_TLS: TlsFiles = { certFile: null, keyFile: null, caFile: null };

export function serverCredentials({ certFile, keyFile, caFile }: TlsFiles): ServerCredentials {
  if (certFile === null || keyFile === null) return ServerCredentials.createInsecure();
  const pair = { cert_chain: readFileSync(certFile), private_key: readFileSync(keyFile) };
  return ServerCredentials.createSsl(caFile === null ? null : readFileSync(caFile), [pair], caFile !== null);
}

export function channelCredentials({ certFile, keyFile, caFile }: TlsFiles): ChannelCredentials {
  if (caFile === null) return ChannelCredentials.createInsecure();
  const own = certFile === null || keyFile === null ? [] : ([readFileSync(keyFile), readFileSync(certFile)] as const);
  return ChannelCredentials.createSsl(readFileSync(caFile), ...own);
}
