import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifyAnyCrawl } from './anycrawl.ts';

const secret = 'ab'.repeat(32);
const body = '{"job_id":"job-1","note":"สวัสดี"}';
const header = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('verifyAnyCrawl', () => {
  it('AC-14 accepts what the secret signed, as text and as bytes', () => {
    expect(verifyAnyCrawl({ body, header, secret })).toEqual({ valid: true });
    expect(verifyAnyCrawl({ body: Buffer.from(body), header, secret })).toEqual({ valid: true });
  });

  it('AC-03 uses the secret as text, never hex-decoded', () => {
    const decoded = createHmac('sha256', Buffer.from(secret, 'hex')).update(body).digest('hex');
    expect(verifyAnyCrawl({ body, header: `sha256=${decoded}`, secret })).toEqual({ valid: false, reason: 'mismatch' });
  });

  it('accepts any of several secrets', () => {
    expect(verifyAnyCrawl({ body, header, secrets: ['newer', secret] })).toEqual({ valid: true });
    expect(verifyAnyCrawl({ body, header, secret: 'newer', secrets: [secret] })).toEqual({ valid: true });
    expect(verifyAnyCrawl({ body, header, secrets: ['newer', 'older'] })).toMatchObject({ reason: 'mismatch' });
  });

  it('refuses a body that was changed, by a space even', () => {
    expect(verifyAnyCrawl({ body: `${body} `, header, secret })).toEqual({ valid: false, reason: 'mismatch' });
  });

  it.each([
    ['missing', undefined],
    ['missing', ''],
    ['malformed', header.slice('sha256='.length)],
    ['malformed', header.slice(0, -1)],
    ['malformed', `${header}, ${header}`],
    ['malformed', [header, header]],
    ['malformed', `sha1=${'a'.repeat(40)}`],
  ])('refuses a header that is %s: %s', (reason, wrong) => {
    expect(verifyAnyCrawl({ body, header: wrong, secret })).toEqual({ valid: false, reason });
  });

  it('does not verify without a secret', () => {
    expect(() => verifyAnyCrawl({ body, header })).toThrow(TypeError);
    expect(() => verifyAnyCrawl({ body, header, secret: '' })).toThrow(TypeError);
    expect(() => verifyAnyCrawl({ body, header, secrets: [secret, ''] })).toThrow(TypeError);
  });
});
