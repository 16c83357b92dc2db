import type { IncomingHttpHeaders } from 'node:http';

/** In which form a request brings events: our own, or one of the three of CloudEvents 1.0 over HTTP (ST-08). */
export type Encoding = 'native' | 'structured' | 'binary' | 'batch';

export const NATIVE_TYPE = 'application/json';
export const STRUCTURED_TYPE = 'application/cloudevents+json';
export const BATCH_TYPE = 'application/cloudevents-batch+json';

export function encodingOf(headers: IncomingHttpHeaders): Encoding {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === STRUCTURED_TYPE) return 'structured';
  if (type === BATCH_TYPE) return 'batch';
  return 'ce-specversion' in headers || 'ce-id' in headers ? 'binary' : 'native';
}
