import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newStandardSecret, publicKeyOf, standardSignature } from './standard-webhooks.ts';

const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP = 1_614_265_330;
const BODY = Buffer.from('{"test": 2432232314}');

describe('Standard Webhooks', () => {
  it('ST-01 agrees with the specification’s vector', () => {
    expect(standardSignature('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', ID, TIMESTAMP, BODY)).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('ST-01 makes symmetric secrets of 32 bytes, which have no public half', () => {
    const secret = newStandardSecret('v1', (bytes) => randomBytes(bytes));
    expect(secret).toMatch(/^whsec_/);
    expect(Buffer.from(secret.slice('whsec_'.length), 'base64')).toHaveLength(32);
    expect(publicKeyOf(secret)).toBeNull();
  });

  it('ST-01 makes asymmetric secrets whose public half verifies what they sign', () => {
    const secret = newStandardSecret('v1a', (bytes) => randomBytes(bytes));
    expect(secret).toMatch(/^whsk_/);
    expect(Buffer.from(secret.slice('whsk_'.length), 'base64')).toHaveLength(64);
    const raw = Buffer.from(publicKeyOf(secret)?.slice('whpk_'.length) ?? '', 'base64');
    expect(raw).toHaveLength(32);
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
      format: 'jwk',
    });
    const [version = '', signature = ''] = standardSignature(secret, ID, TIMESTAMP, BODY).split(',');
    expect(version).toBe('v1a');
    const signed = Buffer.concat([Buffer.from(`${ID}.${TIMESTAMP}.`), BODY]);
    expect(verify(null, signed, key, Buffer.from(signature, 'base64'))).toBe(true);
    expect(verify(null, Buffer.concat([signed, signed]), key, Buffer.from(signature, 'base64'))).toBe(false);
  });
});
