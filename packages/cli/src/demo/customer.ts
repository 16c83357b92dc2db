import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifyAnyCrawl } from '@grapnel/receiver/anycrawl';
import type { Clock } from '@grapnel/runtime/clock';
import { factOf } from './crawl.ts';
import { type Mood, moodFor } from './mood.ts';
import type { Receipts } from './receipts.ts';

export interface Customer extends AsyncDisposable {
  readonly url: string;
  /** What it verifies with, known once its webhook is. */
  secret: string;
}

const MAX_BODY_BYTES = 2 * 1_048_576;

/** Somebody who has subscribed: checks every signature, notes what came, and fails now and then. */
export async function startCustomer(receipts: Receipts, clock: Clock): Promise<Customer> {
  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const customer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/demo`,
    secret: '',
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return customer;

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = clock.now();
    const body = await readBody(request);
    const header = request.headers['x-anycrawl-signature'];
    if (!verifyAnyCrawl({ body, header, secret: customer.secret }).valid) {
      receipts.invalid++;
      response.writeHead(401).end('invalid signature');
      return;
    }
    const type = text(request.headers['x-webhook-event']);
    const deliveryId = text(request.headers['x-webhook-delivery-id']);
    const data = JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>;
    if (data['job_id'] !== receipts.jobId) {
      // A test somebody asked for, or a retry that an earlier run has left.
      response.writeHead(200).end('thanks');
      return;
    }
    const fact = factOf(type, data);
    const attempt = receipts.arrived(deliveryId, fact, at);
    const mood = moodFor(fact, attempt);
    if (mood === 'accept') receipts.accept(deliveryId);
    if (mood === 'not found') receipts.refused++;
    answer(mood, response);
  }
}

function answer(mood: Mood, response: ServerResponse): void {
  switch (mood) {
    case 'accept':
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"received":true}');
      return;
    case 'error':
      response.writeHead(500).end('the customer has a bad moment');
      return;
    case 'not found':
      response.writeHead(404).end('the customer does not know this page');
      return;
    case 'silence':
      // Says nothing until the sender loses patience and closes the connection.
      return;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const text = (header: string | string[] | undefined): string => (typeof header === 'string' ? header : '');
