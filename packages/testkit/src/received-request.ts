import type { IncomingMessage } from 'node:http';

/** One HTTP request as it arrived. */
export class ReceivedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly path: string;
  /** Name and value pairs in the order and spelling of the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** When its first line had arrived, in ms since the epoch. */
  readonly receivedAt: number;

  constructor(message: IncomingMessage, body: Buffer, receivedAt: number) {
    this.method = message.method ?? '';
    this.url = message.url ?? '';
    this.path = pathOf(this.url);
    this.headers = pairs(message.rawHeaders);
    this.body = body;
    this.receivedAt = receivedAt;
  }

  /** The first value of a header, whatever the case of its name. */
  header(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.headers.find(([candidate]) => candidate.toLowerCase() === wanted)?.[1];
  }

  text(): string {
    return this.body.toString('utf8');
  }

  /** The body parsed as JSON; the caller says what it expects. */
  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T;
  }
}

export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}

function pairs(raw: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) result.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return result;
}
