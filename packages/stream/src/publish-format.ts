import type { NewMessage } from '@grapnel/contracts/message';
import { decodeText } from '@grapnel/contracts/message';
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import { type Stored, StoreUnavailable, WrongLastSequence } from './ports.ts';

const WRONG_LAST_SEQUENCE = 10_071;

/** Where a message is in an atomic batch (nats-server 2.12 and newer). */
export interface BatchPlace {
  readonly id: string;
  /** From 1 on. */
  readonly number: number;
  /** Of the last one: now all are stored, or none is. */
  readonly commits: boolean;
}

/** Everything that a publish asks of headers is their bytes: written at once they cost a third of the client's map of lists. */
class HeaderBytes {
  readonly #bytes: Uint8Array;

  constructor(text: string) {
    this.#bytes = Buffer.from(text, 'latin1');
  }

  encode(): Uint8Array {
    return this.#bytes;
  }
}

const LINE_BREAK = /[\r\n]/;

/** @throws when a value would end its line, and so make a header of its own */
export function headersOf({ headers, id, expectedLastSequence }: NewMessage, place: BatchPlace | null): MsgHdrs {
  let text = 'NATS/1.0\r\n';
  for (const name in headers) {
    const value = headers[name] as string;
    if (LINE_BREAK.test(value)) throw new Error(`header ${name} has a line break`);
    text += `${name}: ${value}\r\n`;
  }
  if (id !== undefined) text += `Nats-Msg-Id: ${id}\r\n`;
  if (expectedLastSequence !== undefined) text += `Nats-Expected-Last-Subject-Sequence: ${expectedLastSequence}\r\n`;
  if (place !== null) text += `Nats-Batch-Id: ${place.id}\r\nNats-Batch-Sequence: ${place.number}\r\n`;
  if (place?.commits === true) text += 'Nats-Batch-Commit: 1\r\n';
  return new HeaderBytes(`${text}\r\n`) as unknown as MsgHdrs;
}

interface Ack {
  readonly seq?: number;
  readonly duplicate?: boolean;
  /** Of a batch: how many were stored, the last of them at `seq`. */
  readonly count?: number;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

/** Where a message was stored, or why it was not. */
export function readAnswer(answer: Msg, message: NewMessage): Stored | Error {
  if (answer.headers?.code === 503) return new StoreUnavailable(`no stream takes ${message.subject}`);
  const ack = parsed(answer);
  if (ack instanceof Error) return ack;
  if (ack.error === undefined) return { sequence: ack.seq ?? 0, duplicate: ack.duplicate === true };
  if (ack.error.err_code === WRONG_LAST_SEQUENCE) return new WrongLastSequence(message.subject);
  return new StoreUnavailable(`the event store refused: ${ack.error.description ?? ack.error.code}`);
}

/** What became of a batch. */
export type BatchAnswer =
  /** The first of its messages is at `first`, the others follow. */
  | { readonly kind: 'stored'; readonly first: number }
  /** Not as a batch: an id was there already, too many were under way, or the server that has the stream knows no batches. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown'; readonly error: Error };

export function readBatchAnswer(answer: Msg, size: number): BatchAnswer {
  if (answer.headers?.code === 503) return { kind: 'refused' };
  const ack = parsed(answer);
  if (ack instanceof Error) return { kind: 'unknown', error: ack };
  // An older server has stored them one by one; sent again so, each hears where it is.
  if (ack.error !== undefined || ack.count !== size) return { kind: 'refused' };
  return { kind: 'stored', first: (ack.seq ?? 0) - size + 1 };
}

function parsed(answer: Msg): Ack | Error {
  try {
    return JSON.parse(decodeText(answer.data)) as Ack;
  } catch (cause) {
    return new StoreUnavailable('the event store sent an answer that cannot be read', { cause });
  }
}
