// Runs samples of receivers as one Express program, on the port in PORT whatever port they name. What a sample takes for
// granted (an application, a queue, a database …) is here, and prints what it is asked to do.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { runInThisContext } from 'node:vm';
import express from 'express';

const noted =
  (name: string) =>
  async (...args: unknown[]): Promise<void> =>
    console.log(`${name} ${JSON.stringify(args)}`);

express.application.listen = function (this: express.Application): Server {
  return createServer(this).listen(Number(process.env['PORT']), '127.0.0.1');
};

const app = express();
app.use(express.json());

// Samples without an import of their own belong to a program that has these.
Object.assign(globalThis, {
  require: createRequire(import.meta.url),
  processWebhookAsync: noted('processWebhookAsync'),
  processEventAsync: noted('processEventAsync'),
  processWebhook: noted('processWebhook'),
  queue: { add: noted('queue.add') },
  logger: { info: noted('logger.info'), error: noted('logger.error') },
  sendEmail: noted('sendEmail'),
  db: { webhookEvents: { create: noted('db.webhookEvents.create') } },
  async processEvent(event: unknown): Promise<void> {
    const { handleEvent } = globalThis as { handleEvent?: (event: unknown) => void };
    handleEvent?.(event);
    await noted('processEvent')(event);
  },
  verifySignature(payload: unknown, signature: string): boolean {
    const hmac = createHmac('sha256', process.env['WEBHOOK_SECRET'] ?? '').update(JSON.stringify(payload));
    return timingSafeEqual(Buffer.from(signature), Buffer.from(`sha256=${hmac.digest('hex')}`));
  },
});

const sources = process.argv.slice(2).map((path) => ({ path, source: readFileSync(path, 'utf8') }));
const whole = sources.some(({ source }) => source.includes('app.listen('));
if (!whole) Object.assign(globalThis, { app });
for (const { path, source } of sources) runInThisContext(source, { filename: path });
if (!whole) app.listen();
