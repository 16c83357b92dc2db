import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { refusal, standardSignature } from './signing.fixture.ts';
import { type StandardDelivery, verifyStandard } from './standard.ts';

// The example of the specification.
const vector = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: '{"test": 2432232314}',
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  header: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  now: () => 1_614_265_330_000,
} satisfies StandardDelivery;

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const publicSecret = `whpk_${publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}`;
const { secret: _symmetric, ...unsigned } = vector;
const asymmetric: StandardDelivery = {
  ...unsigned,
  secret: publicSecret,
  header: standardSignature(privateKey, vector.id, vector.timestamp, vector.body),
};
const other = 'v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';

describe('verifyStandard', () => {
  it('ST-01 accepts the specification’s own example, as text and as bytes', () => {
    expect(verifyStandard(vector)).toEqual({ valid: true });
    expect(verifyStandard({ ...vector, body: Buffer.from(vector.body) })).toEqual({ valid: true });
  });

  it('ST-01 accepts v1a with the public key', () => {
    expect(verifyStandard(asymmetric)).toEqual({ valid: true });
    expect(verifyStandard({ ...asymmetric, body: `${vector.body} ` })).toEqual(refusal('mismatch'));
    expect(verifyStandard({ ...asymmetric, header: vector.header })).toEqual(refusal('mismatch'));
  });

  it('ST-01 keeps the two versions apart', () => {
    const swapped = vector.header.replace('v1,', 'v1a,');
    expect(verifyStandard({ ...vector, header: swapped })).toEqual(refusal('mismatch'));
  });

  it('ST-02 accepts one signature of several, under one secret of several', () => {
    const both = `${other} v2,abcd ${vector.header}`;
    expect(verifyStandard({ ...vector, header: both })).toEqual({ valid: true });
    expect(verifyStandard({ ...vector, header: both, secrets: [publicSecret] })).toEqual({ valid: true });
    expect(verifyStandard({ ...asymmetric, secrets: [vector.secret], header: vector.header })).toEqual({ valid: true });
    expect(verifyStandard({ ...vector, header: `${other} v2,abcd` })).toEqual(refusal('mismatch'));
  });

  it.each([
    ['the body', { body: '{"test":2432232314}' }],
    ['the id', { id: 'msg_other' }],
    ['the time', { timestamp: '1614265331' }],
  ])('ST-01 refuses when %s was changed', (_what, change) => {
    expect(verifyStandard({ ...vector, ...change })).toEqual(refusal('mismatch'));
  });

  it('ST-01 allows five minutes in both directions, or what it is told', () => {
    const at = (seconds: number, tolerance = {}): unknown =>
      verifyStandard({ ...vector, ...tolerance, now: () => vector.now() + seconds * 1_000 });
    expect([at(300), at(-300)]).toEqual([{ valid: true }, { valid: true }]);
    expect([at(301), at(-301)]).toEqual([refusal('too_old'), refusal('too_new')]);
    expect(at(31, { toleranceSeconds: 30 })).toEqual(refusal('too_old'));
    const { now: _then, ...bySystem } = vector;
    expect(verifyStandard(bySystem)).toEqual(refusal('too_old'));
  });

  it.each([
    ['missing', { id: undefined }],
    ['missing', { timestamp: '' }],
    ['missing', { header: undefined }],
    ['malformed', { id: ['a', 'b'] }],
    ['malformed', { timestamp: '2021-02-25T15:02:10Z' }],
    ['malformed', { timestamp: '1614265330.5' }],
    ['malformed', { header: 'v1' }],
    ['malformed', { header: vector.header.slice('v1,'.length) }],
    ['malformed', { header: [vector.header, vector.header] }],
    ['malformed', { header: Array.from({ length: 17 }, () => vector.header).join(' ') }],
  ])('refuses as %s: %j', (reason, change) => {
    expect(verifyStandard({ ...vector, ...change })).toEqual(refusal(reason));
  });

  it('refuses a forged signature of any length', () => {
    for (const forged of ['v1,AAAA', `v1,${'A'.repeat(256)}`, 'v1a,AAAA']) {
      expect(verifyStandard({ ...vector, secrets: [publicSecret], header: forged })).toEqual(refusal('mismatch'));
    }
  });

  it.each([
    '',
    'whsec_',
    'whsec_not base64',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whpk_AAAA',
    `whsk_${'A'.repeat(86)}==`,
  ])('takes no secret like "%s", and does not repeat it', (secret) => {
    const attempt = (): unknown => verifyStandard({ ...vector, secret });
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(/^(?!.*(not base64|MfKQ|AAAA))/);
  });

  it('does not verify without a secret', () => {
    expect(() => verifyStandard(unsigned)).toThrow(TypeError);
  });
});
