import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { EndpointSchema } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import { parseKeyRing, seal } from '@grapnel/domain/security/keyring';
import { accountOwner } from '@grapnel/domain/tenancy/account';
import { describe, expect, it } from 'vitest';
import { endpointFrom, secretsAt } from './endpoint.ts';

const ring = parseKeyRing(`k1:${randomBytes(32).toString('base64')}`);
const sealed = (secret: string): string => seal(ring, accountOwner('acme'), secret, (n) => randomBytes(n));
const jobWebhook = (secrets: readonly string[], settings: object = {}) =>
  create(EndpointSchema, {
    webhookId: 'wh_00000000000000000000000001',
    tenant: 'acme',
    profile: 'firecrawl',
    url: 'https://example.com/hook',
    active: true,
    signed: true,
    ...settings,
    secrets: secrets.map((secret) => ({ sealed: sealed(secret), owner: accountOwner('acme') })),
  });

describe('an endpoint as the dispatcher keeps it', () => {
  it('FC-07 opens the account’s secrets, newest first', () => {
    const endpoint = endpointFrom(jobWebhook(['new', 'old']), ring, new Map());
    expect(secretsAt(endpoint, 0)).toEqual(['new', 'old']);
  });

  it('FC-07 cannot be used while there is no secret: anybody could sign with none', () => {
    expect(() => endpointFrom(jobWebhook([]), ring, new Map())).toThrow('there is no secret to sign with');
  });

  it('knows its order, its rate and how long a message lives', () => {
    const told = { ordering: 'strict', rateLimitPerSecond: 0.5, messageTtlSeconds: 60 };
    expect(endpointFrom(jobWebhook(['s'], told), ring, new Map())).toMatchObject({
      ordering: 'strict',
      rateLimitPerSecond: 0.5,
      messageTtlMs: 60_000,
    });
    expect(endpointFrom(jobWebhook(['s']), ring, new Map())).toMatchObject({
      ordering: 'none',
      rateLimitPerSecond: null,
      messageTtlMs: null,
    });
  });
});
