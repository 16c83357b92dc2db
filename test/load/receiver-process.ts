import { createServer, type Socket } from 'node:net';
import { Histogram } from './histogram.ts';

/**
 * The customer of the benchmarks, in a process of its own: reads HTTP/1.1 requests with a content length and answers 200
 * at once, on bare sockets, so that the figures are those of the sender. The time in the body's `t` (milliseconds since
 * the epoch) becomes a latency.
 */
export interface ReceiverReport {
  readonly received: number;
  /** Distinct delivery ids. */
  readonly distinct: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=60\r\n\r\n');
const HEADER_END = Buffer.from('\r\n\r\n');

const latencies = new Histogram();
const ids = new Set<string>();
let received = 0;
let trackIds = true;

const server = createServer((socket) => {
  let pending = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let used: number;
    while ((used = takeRequest(pending, socket)) > 0) pending = pending.subarray(used);
  });
  socket.on('error', () => {});
});

/** Bytes of one whole request at the start of `bytes`, answered; 0 when it is not all there. */
function takeRequest(bytes: Buffer, socket: Socket): number {
  const end = bytes.indexOf(HEADER_END);
  if (end < 0) return 0;
  const head = bytes.toString('latin1', 0, end);
  const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const whole = end + 4 + length;
  if (bytes.length < whole) return 0;
  received++;
  if (trackIds) {
    const id = /x-webhook-delivery-id: *(\S+)/i.exec(head)?.[1];
    if (id !== undefined) ids.add(id);
  }
  const sentAt = /"t":(\d+(?:\.\d+)?)/.exec(bytes.toString('latin1', end + 4, Math.min(whole, end + 64)));
  if (sentAt !== null) latencies.record(performance.timeOrigin + performance.now() - Number(sentAt[1]));
  socket.write(ANSWER);
  return whole;
}

process.on(
  'message',
  (command: { readonly report?: boolean; readonly reset?: boolean; readonly trackIds?: boolean }) => {
    if (command.trackIds !== undefined) trackIds = command.trackIds;
    if (command.reset === true) {
      received = 0;
      ids.clear();
      latencies.clear();
    }
    if (command.report === true) {
      const report: ReceiverReport = {
        received,
        distinct: ids.size,
        p50: latencies.quantile(0.5),
        p99: latencies.quantile(0.99),
        p999: latencies.quantile(0.999),
      };
      process.send?.({ report });
    }
  },
);
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as { port: number }).port });
});
