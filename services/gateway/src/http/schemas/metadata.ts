import type { JsonObject } from '@bufbuild/protobuf';
import { LIMITS } from '@grapnel/domain/webhook/config';
import { wrong } from './fields.ts';

export type { JsonObject };

/** A JSON object that can be kept exactly: metadata is stored as google.protobuf.Struct, whose numbers are doubles. */
export function checkMetadata(context: { readonly value: unknown; readonly issues: unknown[] }): void {
  const { value } = context;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isRawNumber(value)) {
    wrong(context, 'INVALID_TYPE', 'must be a JSON object');
    return;
  }
  if (Buffer.byteLength(JSON.stringify(value)) > LIMITS.metadata.bytes) {
    wrong(context, 'TOO_LARGE', `must be at most ${LIMITS.metadata.bytes} bytes of JSON`);
    return;
  }
  const problem = whatCannotBeKept(value);
  if (problem !== null) wrong(context, 'INVALID_VALUE', problem);
}

function whatCannotBeKept(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (isRawNumber(value)) return 'holds a number with more digits than can be kept; send it as a string';
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return 'holds the key __proto__';
    const problem = whatCannotBeKept(inner);
    if (problem !== null) return problem;
  }
  return null;
}

/** What domain/json makes of a number that a double cannot hold. */
function isRawNumber(value: unknown): boolean {
  return (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value);
}
