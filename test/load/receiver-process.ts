import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { CertificateAuthority } from '@grapnel/rpc/certificates.test-support';
import { Histogram } from './histogram.ts';

/** What endpoints of a class do with a request; they all take it whole first. */
export type Behaviour = 'ok' | 'slow' | 'hang' | 'reset' | 'drip' | 'huge' | 'refuse' | 'later';

export interface Measured {
  readonly received: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/**
 * The customers of the benchmarks, in a process of their own: reads HTTP/1.1 requests with a content length on bare sockets,
 * so that the figures are those of the sender. The time in the body's `t` (milliseconds since the epoch) becomes a latency.
 * The first part of the path names a class of endpoints, which has its own figures and its own behaviour.
 */
export interface ReceiverReport extends Measured {
  /** Distinct delivery ids. */
  readonly distinct: number;
  readonly classes: Readonly<Record<string, Measured>>;
}

export interface ReceiverCommand {
  readonly report?: boolean;
  readonly reset?: boolean;
  /** By class. */
  readonly behave?: Readonly<Record<string, Behaviour>>;
  /** The second port: `closed` is where nobody is. */
  readonly second?: 'open' | 'closed';
}

class Figures {
  readonly latencies = new Histogram();
  received = 0;

  take(sentAt: number | null): void {
    this.received++;
    if (sentAt !== null) this.latencies.record(performance.timeOrigin + performance.now() - sentAt);
  }

  measured(): Measured {
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((q) => this.latencies.quantile(q)) as [number, number, number];
    return { received: this.received, p50, p99, p999 };
  }
}

const ANSWERS: Readonly<Record<Exclude<Behaviour, 'slow' | 'hang' | 'reset' | 'drip'>, Buffer>> = {
  ok: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=60\r\n\r\n'),
  refuse: Buffer.from('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'),
  later: Buffer.from('HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n'),
  huge: Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${16 * 1_048_576}\r\n\r\n`),
    Buffer.alloc(16 * 1_048_576, 'x'),
  ]),
};
const HEADER_END = Buffer.from('\r\n\r\n');
/** What `slow` ones take for an answer. */
const SLOW_MS = 200;
const DRIP = { head: 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n', everyMs: 500 };

const ids = new Set<string>();
const behaviours = new Map<string, Behaviour>();
let all = new Figures();
let classes = new Map<string, Figures>();

function serve(socket: Socket): void {
  let pending = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let used: number;
    while ((used = takeRequest(pending, socket)) > 0) pending = pending.subarray(used);
  });
  socket.on('error', () => {});
}

/** Bytes of one whole request at the start of `bytes`, dealt with; 0 when it is not all there. */
function takeRequest(bytes: Buffer, socket: Socket): number {
  const end = bytes.indexOf(HEADER_END);
  if (end < 0) return 0;
  const head = bytes.toString('latin1', 0, end);
  const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const whole = end + 4 + length;
  if (bytes.length < whole) return 0;
  const id = /x-webhook-delivery-id: *(\S+)/i.exec(head)?.[1];
  if (id !== undefined) ids.add(id);
  const sentAt = /"t":(\d+(?:\.\d+)?)/.exec(bytes.toString('latin1', end + 4, Math.min(whole, end + 64)));
  const name = /^POST \/([a-z]+)\//.exec(head)?.[1] ?? '';
  const at = sentAt === null ? null : Number(sentAt[1]);
  all.take(at);
  figuresOf(name).take(at);
  answer(socket, behaviours.get(name) ?? 'ok');
  return whole;
}

function figuresOf(name: string): Figures {
  let figures = classes.get(name);
  if (figures === undefined) classes.set(name, (figures = new Figures()));
  return figures;
}

function answer(socket: Socket, behaviour: Behaviour): void {
  switch (behaviour) {
    case 'slow':
      setTimeout(() => socket.write(ANSWERS.ok), SLOW_MS);
      return;
    case 'hang':
      return;
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'drip': {
      socket.write(DRIP.head);
      const timer = setInterval(() => socket.write('x'), DRIP.everyMs);
      socket.on('close', () => clearInterval(timer));
      return;
    }
    default:
      socket.write(ANSWERS[behaviour]);
  }
}

/** A port that can be shut and opened again. */
class Port {
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  open(): Promise<number> {
    return new Promise((resolve) => {
      const server = createServer((socket) => {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
        serve(socket);
      });
      this.#server = server;
      server.listen(this.#port, '127.0.0.1', () => {
        this.#port = (server.address() as { port: number }).port;
        resolve(this.#port);
      });
    });
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Where everybody is refused by the one who connects: no authority that is known vouches for the certificate. */
function openUntrusted(): Promise<number> {
  return new Promise((resolve) => {
    const server = createTlsServer(new CertificateAuthority('nobody').issue('endpoint'), serve);
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** The first, the second, and the one whose certificate nobody trusts. */
export type Ports = readonly [number, number, number];

const second = new Port();

process.on('message', (command: ReceiverCommand) => {
  if (command.reset === true) {
    ids.clear();
    all = new Figures();
    classes = new Map();
  }
  for (const [name, behaviour] of Object.entries(command.behave ?? {})) behaviours.set(name, behaviour);
  if (command.second === 'closed') second.close();
  if (command.second === 'open') void second.open();
  if (command.report === true) {
    const report: ReceiverReport = {
      ...all.measured(),
      distinct: ids.size,
      classes: Object.fromEntries([...classes].map(([name, figures]) => [name, figures.measured()])),
    };
    process.send?.({ report });
  }
});
process.on('disconnect', () => process.exit(0));

const ports: Ports = [await new Port().open(), await second.open(), await openUntrusted()];
process.send?.({ ports });
