import { randomBytes } from 'node:crypto';
import { GrapnelProducer } from '@grapnel/client/producer';
import type { Clock } from '@grapnel/runtime/clock';
import { sentenceOf } from '../command-error.ts';
import { Rest } from '../rest.ts';
import type { Screen } from '../screen.ts';
import { type DataDir, dataDirAt } from '../up/data-dir.ts';
import type { Runtime } from '../up/runtime-file.ts';
import { crawl, type Step } from './crawl.ts';
import { type Customer, startCustomer } from './customer.ts';
import { ensureDemoWebhook } from './demo-webhook.ts';
import { type Standing, standingOf } from './history.ts';
import { Receipts } from './receipts.ts';
import { progressLine, summary } from './texts.ts';

export interface DemoOptions {
  readonly runtime: Runtime;
  readonly dir: DataDir;
  readonly timeScale: number;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const PAGES = 300;
const PAGES_PER_SECOND = 100;
const LOOK_EVERY_MS = 250;
/** Without a terminal, progress is a line now and then. */
const LINE_EVERY_MS = 3_000;
/** Twice what all retries of one delivery take. */
const RETRIES_WITHIN_MS = 14 * 60_000;

/**
 * Subscribes a customer, plays a crawl and tells what came of it. Resolves when that is done; the customer goes on
 * listening until it is disposed of. A demo that fails says so and lets the platform be.
 */
export async function playDemo(options: DemoOptions): Promise<AsyncDisposable> {
  const { runtime, dir, timeScale, screen, clock, signal } = options;
  const receipts = new Receipts(`demo-${randomBytes(4).toString('hex')}`);
  const customer = await startCustomer(receipts, clock);
  try {
    const rest = new Rest(runtime.gateway, runtime.apiKey);
    const { webhookId, secret } = await ensureDemoWebhook(rest, dir, customer.url);
    customer.secret = secret;
    screen.say('');
    screen.say(`The demo customer listens at ${customer.url}, verifies every signature, and fails now and then.`);
    screen.say(
      `For its sake ALLOW_LOCAL_WEBHOOKS is true${timeScale === 60 ? ', and a minute of backoff takes a second' : ''}.`,
    );
    await play(options, rest, webhookId, receipts);
    screen.print(`See more: npm run grapnel -- deliveries list --status failed${dataDirOption(dir)}`);
  } catch (error) {
    if (!signal.aborted) screen.say(`The demo could not be played: ${sentenceOf(error)}`);
  }
  screen.status('');
  return customer satisfies Customer;
}

/** Needed only when it is not the usual one. */
function dataDirOption(dir: DataDir): string {
  return dir.path === dataDirAt('.grapnel').path ? '' : ` --data-dir ${dir.path}`;
}

async function play(options: DemoOptions, rest: Rest, webhookId: string, receipts: Receipts): Promise<void> {
  const { screen, clock, signal, timeScale } = options;
  const startedAt = clock.now();
  // The history's clock may be a little behind ours when Postgres is somewhere else.
  const from = new Date(startedAt - 60_000).toISOString();
  const steps = [...crawl(receipts.jobId, PAGES, startedAt)];
  const publishing = publish(options, steps, receipts);
  publishing.catch(() => undefined);
  const deadline = startedAt + 60_000 + RETRIES_WITHIN_MS / timeScale;
  let lineAt = startedAt;
  let standing: Standing;
  for (;;) {
    standing = await standingOf(rest, webhookId, receipts.jobId, from);
    const line = progressLine(receipts, standing, steps.length);
    screen.status(line);
    if (!screen.live && clock.now() - lineAt >= LINE_EVERY_MS) {
      screen.say(line);
      lineAt = clock.now();
    }
    if (standing.deliveries >= steps.length && standing.underWay === 0) break;
    if (clock.now() > deadline) break;
    await Promise.race([clock.sleep(LOOK_EVERY_MS, signal), publishing.then(() => clock.sleep(LOOK_EVERY_MS, signal))]);
  }
  const publishedAfter = (await publishing) - startedAt;
  screen.status('');
  for (const text of summary(receipts, standing, publishedAfter / 1_000)) screen.print(text);
}

/** As a crawler does it: pages as they come, and what ends the job after all of them are stored. Returns when it was done. */
async function publish(
  { runtime, clock, signal }: DemoOptions,
  steps: readonly Step[],
  receipts: Receipts,
): Promise<number> {
  await using producer = new GrapnelProducer({ address: runtime.ingestGrpc, apiKey: runtime.apiKey });
  let failure: Error | undefined;
  let flushed = false;
  for (const { event, fact, last } of steps) {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure;
    if (last && !flushed) {
      await producer.flush();
      flushed = true;
    }
    await producer.room();
    receipts.publishing(fact, clock.now());
    producer.publish(event).then(
      () => receipts.published++,
      (error: Error) => {
        failure = error;
      },
    );
    await clock.sleep(1_000 / PAGES_PER_SECOND, signal);
  }
  await producer.flush();
  if (failure !== undefined) throw failure;
  return clock.now();
}
