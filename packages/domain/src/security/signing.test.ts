import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { open, parseKeyRing, seal } from './keyring.ts';
import { equalInConstantTime, hmacSha256Hex } from './signature.ts';

const SECRET = 'a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4y5z6';
const SCRAPE_COMPLETED = {
  job_id: 'job-uuid-1',
  status: 'completed',
  url: 'https://example.com',
  total: 10,
  completed: 10,
  failed: 0,
  credits_used: 5,
  created_at: '2026-01-27T09:00:00.000Z',
  completed_at: '2026-01-27T10:00:00.000Z',
};

describe('signatures', () => {
  it('AC-03 AC-14 agree with the vector for the seed’s payload', () => {
    expect(hmacSha256Hex(SECRET, Buffer.from(JSON.stringify(SCRAPE_COMPLETED)))).toBe(
      'ab455016938cff530a6538083ac1649d38ecb1aafd2bd783b4c193386d1ea83b',
    );
  });

  it('are compared whole', () => {
    expect(equalInConstantTime('abc', 'abc')).toBe(true);
    expect(equalInConstantTime('abc', 'abd')).toBe(false);
    expect(equalInConstantTime('abc', 'abcd')).toBe(false);
  });
});

describe('secrets at rest', () => {
  const key = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
  const entropy = (n: number): Uint8Array => randomBytes(n);

  it('AC-05 open only for their owner, unchanged', () => {
    const ring = parseKeyRing(key('k1'));
    const sealed = seal(ring, 'wh_1', 'secret', entropy);
    expect(sealed).not.toContain('secret');
    expect(open(ring, 'wh_1', sealed)).toBe('secret');
    expect(() => open(ring, 'wh_2', sealed)).toThrow('unable to authenticate data');
    expect(() => open(ring, 'wh_1', `${sealed.slice(0, -2)}AA`)).toThrow('unable to authenticate data');
  });

  it('open under an older key after a rotation', () => {
    const old = key('k1');
    const sealed = seal(parseKeyRing(old), 'wh_1', 'secret', entropy);
    expect(open(parseKeyRing(`${key('k2')},${old}`), 'wh_1', sealed)).toBe('secret');
    expect(() => open(parseKeyRing(key('k2')), 'wh_1', sealed)).toThrow('the key ring has no key "k1"');
  });

  it('refuse a ring that is not well formed without quoting it', () => {
    for (const text of ['', 'k1', 'k1:short', `a b:${randomBytes(32).toString('base64')}`]) {
      expect(() => parseKeyRing(text)).toThrow('key 1 of the key ring must be "id:base64 of 32 bytes"');
    }
  });
});
