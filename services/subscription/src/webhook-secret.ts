import { randomBytes } from 'node:crypto';
import type { Entropy, WebhookId } from '@grapnel/domain/ids';
import type { SecretKind } from '@grapnel/domain/profiles/profile';
import { type KeyRing, seal } from '@grapnel/domain/security/keyring';
import { newStandardSecret, publicKeyOf, type SignatureScheme } from '@grapnel/domain/security/standard-webhooks';
import type { NewSecret } from '@grapnel/domain/webhook/secrets';

export type OwnSecretKind = Exclude<SecretKind, 'account'>;

export interface MadeSecret {
  /** To be shown once. */
  readonly plain: string;
  readonly stored: NewSecret;
}

/** A secret of a webhook's own, sealed for it. */
export function newWebhookSecret(
  kind: OwnSecretKind,
  scheme: SignatureScheme,
  owner: WebhookId,
  keyRing: KeyRing,
  entropy: Entropy,
): MadeSecret {
  // 64 hexadecimal digits of 32 random bytes, used as text (AC-03).
  const plain = kind === 'hex' ? randomBytes(32).toString('hex') : newStandardSecret(scheme, (n) => randomBytes(n));
  const publicKey = publicKeyOf(plain);
  return {
    plain,
    stored: { sealed: seal(keyRing, owner, plain, entropy), ...(publicKey === null ? {} : { publicKey }) },
  };
}
