import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Span ids of its links. */
  readonly links: readonly string[];
}

/** An OTLP receiver over HTTP that keeps the spans it is sent. */
export class OtlpCollector implements AsyncDisposable {
  readonly url: string;
  readonly spans: CollectedSpan[] = [];
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async start(): Promise<OtlpCollector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const collector = new OtlpCollector(`http://127.0.0.1:${port}`, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    server.on('request', (request: IncomingMessage, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/v1/traces') collector.spans.push(...spansIn(Buffer.concat(chunks)));
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    return collector;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** ExportTraceServiceRequest → ResourceSpans (1) → ScopeSpans (2) → Span (2). */
function spansIn(request: Uint8Array): CollectedSpan[] {
  return children(request, 1).flatMap((resource) =>
    children(resource, 2).flatMap((scope) => children(scope, 2).map(spanFrom)),
  );
}

function spanFrom(bytes: Uint8Array): CollectedSpan {
  const fields = fieldsOf(bytes);
  const hex = (number: number): string => Buffer.from((fields.get(number)?.[0] as Uint8Array) ?? []).toString('hex');
  return {
    traceId: hex(1),
    spanId: hex(2),
    parentSpanId: hex(4),
    name: Buffer.from((fields.get(5)?.[0] as Uint8Array) ?? []).toString(),
    kind: Number(fields.get(6)?.[0] ?? 0),
    links: children(bytes, 13).map((link) => Buffer.from(children(link, 2)[0] ?? []).toString('hex')),
  };
}

const children = (bytes: Uint8Array, field: number): Uint8Array[] => (fieldsOf(bytes).get(field) ?? []) as Uint8Array[];

function fieldsOf(bytes: Uint8Array): Map<number, (Uint8Array | number)[]> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    let value: Uint8Array | number | undefined;
    if (type === WireType.LengthDelimited) value = reader.bytes();
    else if (type === WireType.Varint) value = Number(reader.uint64());
    else reader.skip(type);
    if (value !== undefined) fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}
