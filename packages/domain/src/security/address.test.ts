import { describe, expect, it } from 'vitest';
import { isPublicAddress } from './address.ts';
import { checkEndpointUrl } from './endpoint-url.ts';

const REFUSED = [
  '127.0.0.1',
  '127.0.0.2',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '192.0.0.8',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.7',
  '203.0.113.9',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  'fc00::1',
  'fd12::1',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  '2001:db8::1',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  '2002:7f00:1::',
  '2002:c0a8:101::',
  '100::1',
  '::127.0.0.1',
  '4000::1',
  'not an address',
  '',
];
const ALLOWED = [
  '1.1.1.1',
  '8.8.8.8',
  '172.32.0.1',
  '172.15.0.1',
  '100.63.0.1',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
];

describe('which addresses may be reached', () => {
  it.each(REFUSED)('AC-20 not %s', (address) => expect(isPublicAddress(address)).toBe(false));
  it.each(ALLOWED)('AC-20 %s', (address) => expect(isPublicAddress(address)).toBe(true));
});

describe('which URLs may be endpoints', () => {
  const codes = (url: string, allowLocal = false): string[] =>
    checkEndpointUrl(url, { allowLocal }, 'webhook_url').map(({ code }) => code);

  it.each([
    'http://localhost/',
    'http://LOCALHOST:80/',
    'http://localhost./',
    'http://api.localhost/',
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
    'http://0/',
    'http://169.254.169.254/latest/meta-data',
    'https://user:pw@10.0.0.1/',
    'http://１２７.０.０.１/',
    'http://[fe80::1]/',
  ])('AC-20 not %s', (url) => {
    expect(codes(url)).toEqual(['FORBIDDEN_ADDRESS']);
    expect(codes(url, true)).toEqual([]);
  });

  it.each([
    '',
    'nope',
    '//x/y',
    'ftp://example.com',
    'javascript:alert(1)',
    `https://example.com/${'x'.repeat(2_048)}`,
    'https://exa mple.com/',
    'https://example.com/a b',
  ])('AC-02 not %s', (url) => expect(codes(url)).toHaveLength(1));

  it.each(['https://example.com/hook?a=1', 'http://8.8.8.8:8080/', 'https://user:pw@example.com/'])(
    'AC-02 %s',
    (url) => {
      expect(codes(url)).toEqual([]);
    },
  );
});
