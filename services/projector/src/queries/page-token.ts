import { createHash } from 'node:crypto';
import type { DeliveryQuery, Position } from '../ports.ts';

/** What a page is part of: a token is only good for the question it came from. */
export type Question = Pick<DeliveryQuery, 'tenant' | 'webhookId' | 'statuses' | 'eventTypes' | 'from' | 'to'>;

const SHAPE = /^(\d{1,16}):(dlv_[0-9a-z]{26}):([0-9a-f]{16})$/;

/** Opaque to callers: where the page ended, and a fingerprint of the question. */
export function pageToken({ createdAt, id }: Position, question: Question): string {
  return Buffer.from(`${createdAt}:${id}:${fingerprint(question)}`).toString('base64url');
}

/** `null` when the token is not one of ours or belongs to another question. */
export function readPageToken(token: string, question: Question): Position | null {
  const match = SHAPE.exec(Buffer.from(token.slice(0, 256), 'base64url').toString());
  if (match === null || match[3] !== fingerprint(question)) return null;
  const createdAt = Number(match[1]);
  return Number.isSafeInteger(createdAt) ? { createdAt, id: match[2] as string } : null;
}

function fingerprint({ tenant, webhookId, statuses, eventTypes, from, to }: Question): string {
  const text = JSON.stringify([tenant, webhookId, statuses.toSorted(), from, to, eventTypes.toSorted()]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
