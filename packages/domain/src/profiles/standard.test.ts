import { describe, expect, it } from 'vitest';
import { newStandardSecret, standardSignature } from '../security/standard-webhooks.ts';
import { bodyContext } from './body.test-support.ts';
import { standard } from './standard.ts';

const bodyOf = (...args: Parameters<typeof bodyContext>): string => {
  const body = standard.body(bodyContext(...args));
  if (!body.ok) throw new Error(body.error);
  return body.value;
};

describe('the standard profile', () => {
  it('ST-01 sends type, timestamp and data', () => {
    expect(bodyOf({ a: 1 })).toBe('{"type":"crawl.page","timestamp":"2026-01-02T03:04:05.678Z","data":{"a":1}}');
  });

  it('ST-01 ST-02 signs id, time in seconds and body with every secret in force, newest first', () => {
    const secrets = [1, 2].map((n) => newStandardSecret('v1', (bytes) => new Uint8Array(bytes).fill(n)));
    const body = Buffer.from('{}');
    const headers = standard.headers({
      delivery: { id: 'dlv_00000000000000000000000001', eventType: 'crawl.page' },
      body,
      secrets,
      now: 1_700_000_000_999,
      signatureHeader: standard.signatureHeader,
    });
    expect(headers).toEqual({
      'Content-Type': 'application/json',
      'webhook-id': 'dlv_00000000000000000000000001',
      'webhook-timestamp': '1700000000',
      'webhook-signature': secrets
        .map((secret) => standardSignature(secret, 'dlv_00000000000000000000000001', 1_700_000_000, body))
        .join(' '),
    });
  });

  it('ST-08 writes a structured CloudEvent under the event’s own id', () => {
    const config = { bodyFormat: 'cloudevents' } as const;
    expect(bodyOf({ a: 1 }, { taskId: 'task-1' }, config)).toBe(
      '{"specversion":"1.0","id":"evt-1","source":"urn:grapnel:acme","type":"crawl.page","time":"2026-01-02T03:04:05.678Z","subject":"task-1","datacontenttype":"application/json","data":{"a":1}}',
    );
    expect(JSON.parse(bodyOf({}, {}, config)).subject).toBe('job-1');
    expect(JSON.parse(bodyOf({}, { jobId: null }, config))).not.toHaveProperty('subject');
  });

  it('ST-03 takes 410 for the end, and tries again whatever else is not 2xx', () => {
    const verdicts = [200, 299, 302, 400, 404, 410, 429, 500].map((status) =>
      standard.classify({ kind: 'response', status }),
    );
    const again = 'retryable';
    expect(verdicts).toEqual(['success', 'success', again, again, again, 'final', again, again]);
    expect(standard.classify({ kind: 'no_response', code: 'ETIMEDOUT' })).toBe(again);
  });
});
