/** A message about to be published, without the transport. */
export interface NewMessage {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Published twice under one id within the stream's window, it is stored once. */
  readonly id?: string;
  /** Optimistic concurrency: refused unless the subject's last message has this position (0 = none yet). */
  readonly expectedLastSequence?: number;
}

/** A message as read from a stream. */
export interface Message {
  readonly stream: string;
  readonly subject: string;
  readonly sequence: number;
  readonly body: Uint8Array;
  /** When the stream stored it, milliseconds since the epoch. */
  readonly storedAt: number;
  header(name: string): string | undefined;
}

/** A message of ours that cannot be read: a bug or a foreign publisher, never a reason to stop a consumer. */
export class UnreadableMessage extends Error {
  constructor(message: Message, cause: unknown) {
    super(`${message.stream} message ${message.sequence} on ${message.subject} cannot be read`, { cause });
    this.name = 'UnreadableMessage';
  }
}

export const TRACEPARENT = 'traceparent';

const decoder = new TextDecoder();

/** From Node's pool, where an encoder's array would be an allocation of its own outside the heap. */
export const encodeJson = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
export const decodeText = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Header values are Latin text on the wire: everything above ASCII goes as a JSON escape. */
export function jsonHeader(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Reads `decode(message)` or throws {@link UnreadableMessage}. */
export function reading<T>(message: Message, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new UnreadableMessage(message, cause);
  }
}
