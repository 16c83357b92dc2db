// Every receiver of the documentation that customers' code was written from accepts what the platform sends.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '@grapnel/testkit/eventually';
import { Receiver } from '@grapnel/testkit/receiver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GO_BUILD_TIMEOUT_MS, goBuild } from './go-build.ts';
import {
  AWKWARD,
  FILE_UPLOADED,
  MEMBER_JOINED,
  MESSAGE_RECEIVED,
  SCRAPE_COMPLETED,
  SCRAPE_FAILED,
  TASK_EXECUTED,
} from './payloads.ts';
import { type SampleServer, startSample } from './sample-server.ts';
import { DELIVERY_ID, type Order, type SignedRequest, signedRequest } from './signed-request.ts';
import { INSTALL_TIMEOUT_MS, installedProgramOf, testedTools } from './tools.ts';

const SECRET = 'a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4y5z6';
const START_TIMEOUT_MS = 120_000;

const file = (path: string): string => join(import.meta.dirname, path);

function startNode(samples: readonly string[], env: Record<string, string> = {}): Promise<SampleServer> {
  const paths = samples.map((sample) => file(`receivers/${sample}`));
  return startSample(process.execPath, [fileURLToPath(new URL('./run-samples.ts', import.meta.url)), ...paths], {
    WEBHOOK_SECRET: SECRET,
    ...env,
  });
}

/** The same request with another body of the same length. */
const tampered = (request: SignedRequest): SignedRequest => ({
  ...request,
  body: request.body.replace(/[a-z](?=[^a-z]*$)/, (letter) => (letter === 'x' ? 'y' : 'x')),
});

const anycrawl = (type: string, data: unknown, further: Partial<Order> = {}): SignedRequest =>
  signedRequest({ profile: 'anycrawl', type, data, secrets: [SECRET], ...further });

const groupgm = (type: string, data: unknown): SignedRequest =>
  signedRequest({ profile: 'groupgm', type, data, secrets: [SECRET] });

const ANYCRAWL_EVENTS: [type: string, data: unknown][] = [
  ['scrape.completed', SCRAPE_COMPLETED],
  ['scrape.failed', SCRAPE_FAILED],
  ['task.executed', TASK_EXECUTED],
  ['crawl.page', AWKWARD],
];

describe('AnyCrawl’s receivers', () => {
  describe('ST-04 AC-14 Node.js / Express', () => {
    const started = new AsyncDisposableStack();
    let sample: SampleServer;
    beforeAll(async () => {
      sample = started.use(await startNode(['anycrawl/express.cjs']));
    }, START_TIMEOUT_MS);
    afterAll(() => started.disposeAsync());

    it.each(ANYCRAWL_EVENTS)('accepts %s', async (type, data) => {
      const answer = await sample.post('/webhooks/anycrawl', anycrawl(type, data));
      expect(answer).toEqual({ status: 200, text: '{"received":true}' });
      await eventually(() => expect(sample.output()).toContain(`processWebhookAsync ["${type}"`), {
        timeoutMs: 15_000,
      });
      expect(sample.output()).toContain(`Delivery ID: ${DELIVERY_ID}`);
    });

    it('ST-02 accepts the newest secret’s signature during a rotation', async () => {
      const request = anycrawl('scrape.completed', SCRAPE_COMPLETED, { secrets: [SECRET, 'an older one'] });
      expect((await sample.post('/webhooks/anycrawl', request)).status).toBe(200);
    });

    it('refuses a body that was changed', async () => {
      const request = tampered(anycrawl('scrape.completed', SCRAPE_COMPLETED));
      expect((await sample.post('/webhooks/anycrawl', request)).status).toBe(401);
    });
  });

  // The samples of good practice are one program each, with what they take for granted.
  it.each([
    ['answer-first', '/webhook', 200, `queue.add ["process-webhook",${JSON.stringify(SCRAPE_FAILED)}]`],
    ['idempotent', '/webhook', 200, ''],
    ['logging', '/webhook', 200, `logger.info ["Webhook processed",{"deliveryId":"${DELIVERY_ID}"}]`],
    ['email', '/webhooks/anycrawl', 200, 'sendEmail [{"to":"admin@example.com"'],
    ['database', '/webhooks/anycrawl', 200, `db.webhookEvents.create [{"deliveryId":"${DELIVERY_ID}"`],
  ])(
    'ST-04 AC-14 %s accepts a delivery and works with it',
    async (name, path, status, printed) => {
      await using sample = await startNode([`anycrawl/${name}.cjs`]);
      expect((await sample.post(path, anycrawl('scrape.failed', SCRAPE_FAILED))).status).toBe(status);
      await eventually(() => expect(sample.output()).toContain(printed), { timeoutMs: 15_000 });
    },
    START_TIMEOUT_MS,
  );

  it(
    'AC-14 idempotent recognises a retry by the delivery id, which stays',
    async () => {
      await using sample = await startNode(['anycrawl/idempotent.cjs']);
      const send = (minutes: number): Promise<{ text: string }> =>
        sample.post('/webhook', anycrawl('scrape.failed', SCRAPE_FAILED, { now: Date.now() + minutes * 60_000 }));
      expect((await send(0)).text).toBe('{"received":true}');
      expect((await send(1)).text).toBe('{"received":true,"duplicate":true}');
    },
    START_TIMEOUT_MS,
  );

  it(
    'ST-04 AC-14 slack accepts a delivery and posts what is in it',
    async () => {
      await using slack = await Receiver.start();
      await using sample = await startNode(['anycrawl/slack.cjs'], { SLACK_WEBHOOK_URL: slack.url('/slack') });
      const answer = await sample.post('/webhooks/anycrawl', anycrawl('scrape.completed', SCRAPE_COMPLETED));
      expect(answer.status).toBe(200);
      const [posted] = await slack.waitFor(1, { timeoutMs: 15_000 });
      expect(posted?.json()).toEqual({ text: 'Job completed: https://example.com\nJob ID: job-uuid-1' });
    },
    START_TIMEOUT_MS,
  );

  describe.each(testedTools().includes('python') ? ['as installed, or the stand-in', 'stand-in'] : [])(
    'ST-04 AC-14 Python / Flask (%s)',
    (flask) => {
      const secrets = ['your-webhook-secret-here'];
      const started = new AsyncDisposableStack();
      let sample: SampleServer;
      beforeAll(async () => {
        const env = { FLASK: flask, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8' };
        const args = [file('run_sample.py'), file('receivers/anycrawl/flask.py')];
        sample = started.use(await startSample(await installedProgramOf('python'), args, env));
      }, START_TIMEOUT_MS + INSTALL_TIMEOUT_MS);
      afterAll(() => started.disposeAsync());

      it.each(ANYCRAWL_EVENTS)('accepts %s under body_encoding python_json', async (type, data) => {
        const request = anycrawl(type, data, { secrets, config: { bodyEncoding: 'python_json' } });
        const answer = await sample.post('/webhooks/anycrawl', request);
        expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { received: true }]);
        await eventually(() => expect(sample.output()).toContain(`Delivery ID: ${DELIVERY_ID}`), { timeoutMs: 15_000 });
      });

      it('refuses a body that was changed, and compact JSON', async () => {
        const request = anycrawl('scrape.completed', SCRAPE_COMPLETED, {
          secrets,
          config: { bodyEncoding: 'python_json' },
        });
        expect((await sample.post('/webhooks/anycrawl', tampered(request))).status).toBe(401);
        const compact = anycrawl('scrape.completed', SCRAPE_COMPLETED, { secrets });
        expect((await sample.post('/webhooks/anycrawl', compact)).status).toBe(401);
      });
    },
  );

  describe.each(testedTools().filter((tool) => tool === 'go'))('ST-04 AC-14 %s', () => {
    const started = new AsyncDisposableStack();
    let sample: SampleServer;
    beforeAll(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'grapnel-sample-'));
      started.defer(() => rm(folder, { recursive: true, force: true }));
      await copyFile(file('receivers/anycrawl/receiver.go'), join(folder, 'main.go'));
      const source = await readFile(join(folder, 'main.go'), 'utf8');
      await writeFile(join(folder, 'main.go'), source.replace('":3000"', '"127.0.0.1:" + os.Getenv("PORT")'));
      await writeFile(join(folder, 'go.mod'), 'module sample\n\ngo 1.19\n');
      sample = started.use(await startSample(await goBuild(folder), [], { WEBHOOK_SECRET: SECRET }));
    }, GO_BUILD_TIMEOUT_MS + START_TIMEOUT_MS);
    afterAll(() => started.disposeAsync());

    it.each(ANYCRAWL_EVENTS)('accepts %s, in either encoding', async (type, data) => {
      for (const bodyEncoding of ['json', 'python_json'] as const) {
        const answer = await sample.post('/webhooks/anycrawl', anycrawl(type, data, { config: { bodyEncoding } }));
        expect([answer.status, answer.text.trim()]).toEqual([200, '{"received":true}']);
      }
    });

    it('refuses a body that was changed', async () => {
      const request = tampered(anycrawl('scrape.completed', SCRAPE_COMPLETED));
      expect((await sample.post('/webhooks/anycrawl', request)).status).toBe(401);
    });
  });
});

const GROUP_EVENTS: [type: string, data: unknown][] = [
  ['message.received', MESSAGE_RECEIVED],
  ['member.joined', MEMBER_JOINED],
  ['member.left', MEMBER_JOINED],
  ['file.uploaded', FILE_UPLOADED],
  ['webhook.test', { message: 'test', timestamp: '2025-01-15T08:30:00.000Z', webhook_id: 'wh_1' }],
];

describe('群組GM’s receivers', () => {
  describe.each([
    ['express.cjs', ['groupgm/express.cjs'], '收到事件: '],
    ['signature.cjs', ['groupgm/signature.cjs'], ''],
    ['answer-first.cjs', ['groupgm/answer-first.cjs'], 'processEventAsync [{"event":"'],
    [
      'idempotent.cjs with answer-500.cjs',
      ['groupgm/idempotent.cjs', 'groupgm/answer-500.cjs'],
      'processEvent [{"event":"',
    ],
  ])('ST-04 GG-04 %s', (_name, samples, printed) => {
    const started = new AsyncDisposableStack();
    let sample: SampleServer;
    beforeAll(async () => {
      sample = started.use(await startNode(samples));
    }, START_TIMEOUT_MS);
    afterAll(() => started.disposeAsync());

    it.each(GROUP_EVENTS)('GG-02 GG-03 GG-06 accepts %s', async (type, data) => {
      expect(await sample.post('/webhook', groupgm(type, data))).toEqual({ status: 200, text: 'OK' });
      const expected = printed === '' ? '' : printed + type;
      await eventually(() => expect(sample.output()).toContain(expected), { timeoutMs: 15_000 });
    });
  });

  it(
    'GG-04 signature.cjs refuses a body that was changed',
    async () => {
      await using sample = await startNode(['groupgm/signature.cjs']);
      const request = tampered(groupgm('message.received', MESSAGE_RECEIVED));
      expect((await sample.post('/webhook', request)).status).toBe(401);
    },
    START_TIMEOUT_MS,
  );
});
