import type { Entropy, WebhookId } from '@grapnel/domain/ids';
import type { SecretKind } from '@grapnel/domain/profiles/profile';
import { type KeyRing, seal } from '@grapnel/domain/security/keyring';
import { newHexSecret } from '@grapnel/domain/security/signature';
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
  const plain = kind === 'hex' ? newHexSecret(entropy) : newStandardSecret(scheme, entropy);
  const publicKey = publicKeyOf(plain);
  return {
    plain,
    stored: { sealed: seal(keyRing, owner, plain, entropy), ...(publicKey === null ? {} : { publicKey }) },
  };
}
