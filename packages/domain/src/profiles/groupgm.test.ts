import { describe, expect, it } from 'vitest';
import { retryDelayMs } from '../retry.ts';
import { checkEndpointUrl } from '../security/endpoint-url.ts';
import { checkConfig } from '../webhook/check-config.ts';
import { DEFAULTS, type WebhookConfig } from '../webhook/config.ts';
import { bodyContext } from './body.test-support.ts';
import { groupgm } from './groupgm.ts';

describe('the groupgm profile', () => {
  it('GG-01 takes https alone, unless local endpoints are allowed', () => {
    const config: WebhookConfig = {
      ...DEFAULTS,
      profile: 'groupgm',
      name: 'n',
      url: 'http://example.com/hook',
      eventTypes: ['member.joined'],
    };
    const policy = { allowLocal: false, conditionProblem: () => null };
    expect(checkConfig(config, config, policy)).toMatchObject([{ field: 'webhook_url', code: 'INVALID_VALUE' }]);
    const secure = { ...config, url: 'https://example.com/hook' };
    expect(checkConfig(secure, secure, policy)).toEqual([]);
    expect(checkConfig(config, config, { ...policy, allowLocal: true })).toEqual([]);
    // The others take both.
    expect(checkEndpointUrl(config.url, policy, 'webhook_url')).toEqual([]);
  });

  it('GG-02 GG-03 sends event, time to the second and the data as they came', () => {
    const time = Date.UTC(2026, 0, 2, 3, 4, 5, 999);
    const cases = [
      ['message.received', '{"group_id":"g","sender":{"id":1},"text":"你好","unknown_field":null}'],
      ['member.joined', '{"group_id":"g","member_id":12345678901234567890}'],
      ['member.left', '{"group_id":"g","reason":""}'],
      ['file.uploaded', '{"group_id":"g","file":{"name":"a.pdf","size":0}}'],
    ] as const;
    for (const [type, data] of cases) {
      expect(groupgm.body(bodyContext(data, { type, time }))).toEqual({
        ok: true,
        value: `{"event":"${type}","timestamp":"2026-01-02T03:04:05Z","data":${data}}`,
      });
    }
  });

  it('GG-02 tells milliseconds where a second event would look like the first', () => {
    const body = groupgm.body(bodyContext({}, { type: 'member.joined' }, {}, true));
    expect(body).toMatchObject({ value: expect.stringContaining('"timestamp":"2026-01-02T03:04:05.678Z"') });
  });

  it('GG-05 waits 30 s for an answer and tries anything but 2xx again after 1, 5 and 30 minutes', () => {
    const policy = { ...DEFAULTS, ...groupgm.defaults };
    expect(groupgm.defaults.timeoutSeconds).toBe(30);
    expect([1, 2, 3, 4].map((n) => retryDelayMs(policy, n))).toEqual([60_000, 300_000, 1_800_000, null]);
    for (const status of [302, 400, 404, 410, 500]) {
      expect(groupgm.classify({ kind: 'response', status }), `${status}`).toBe('retryable');
    }
  });
});
