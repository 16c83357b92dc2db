import { describe, expect, it } from 'vitest';
import { checkEndpointUrl, maskedUrl, unmaskedUrl } from './endpoint-url.ts';

const check = (url: string, allowLocal = false) => checkEndpointUrl(url, { allowLocal }, 'webhook_url');

describe('endpoint URLs', () => {
  it('AC-20 says how a private address can be allowed for development', () => {
    expect(check('http://127.0.0.1:9000/')).toMatchObject([
      { code: 'FORBIDDEN_ADDRESS', message: expect.stringContaining('ALLOW_LOCAL_WEBHOOKS=true') },
    ]);
    expect(check('http://127.0.0.1:9000/', true)).toEqual([]);
  });

  it.each([
    ['https://user:secret@example.com/hook?a=1', 'https://user:***@example.com/hook?a=1'],
    ['https://:secret@example.com', 'https://:***@example.com/'],
    ['https:/user:se%40cret@example.com/', 'https://user:***@example.com/'],
    ['https:\\\\user:s:e@c@example.com/', 'https://user:***@example.com/'],
    ['https://user@example.com/a@b:c', 'https://user@example.com/a@b:c'],
    ['https://example.com', 'https://example.com'],
    ['not a url', 'not a url'],
  ])('ST-05 shows %s without its password', (url, shown) => {
    expect(maskedUrl(url)).toBe(shown);
  });

  it('ST-05 keeps the stored password of a URL that comes back as it was shown', () => {
    const stored = 'https://user:secret@example.com';
    expect(unmaskedUrl('https://user:***@example.com', stored)).toBe(stored);
    expect(unmaskedUrl('https://user:***@example.com/', stored)).toBe(stored);
    for (const other of [
      'https://user:***@example.com/other',
      'https://user:***@example.net/',
      'https://another:***@example.com/',
      'http://user:***@example.com/',
      'https://user:new@example.com/',
      'https://example.com/',
    ]) {
      expect(unmaskedUrl(other, stored)).toBe(other);
    }
  });

  it('ST-05 does not take the mask for a password', () => {
    expect(check('https://user:***@example.com/')).toMatchObject([{ field: 'webhook_url', code: 'INVALID_VALUE' }]);
    expect(check('https://user:****@example.com/')).toEqual([]);
  });
});
