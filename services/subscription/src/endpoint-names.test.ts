import { FakeClock } from '@grapnel/testkit/fake-clock';
import { describe, expect, it } from 'vitest';
import { checkEndpointName, type Resolve } from './endpoint-names.ts';

describe('names of endpoints', () => {
  const clock = new FakeClock();
  const check = (resolve: Resolve, url = 'https://hooks.example.com/x') => checkEndpointName(url, resolve, clock);

  it('AC-20 are refused when one of their addresses is not public', async () => {
    const wrong = await check(async () => ['93.184.216.34', '10.0.0.7']);
    expect(wrong).toMatchObject([{ field: 'webhook_url', code: 'FORBIDDEN_ADDRESS' }]);
    expect(await check(async () => ['::ffff:127.0.0.1'])).toHaveLength(1);
    expect(await check(async () => ['93.184.216.34', '2606:2800:220:1::1'])).toEqual([]);
  });

  it('AC-20 are let through when nobody knows them now, or nobody answers in time', async () => {
    expect(await check(() => Promise.reject(new Error('ENOTFOUND')))).toEqual([]);
    const slow = check(() => new Promise(() => {}));
    await clock.advance(3_000);
    expect(await slow).toEqual([]);
  });

  it('does not ask about addresses', async () => {
    expect(await check(() => Promise.reject(new Error('asked')), 'https://93.184.216.34/')).toEqual([]);
  });
});
