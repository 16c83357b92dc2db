import { isProfileName } from '@grapnel/domain/profiles/registry';
import type { ProfileName } from '@grapnel/domain/webhook/config';
import type { EnvReader } from '@grapnel/runtime/env';

/** Names of signature headers that a deployment gives instead of the profiles' own. */
export type SignatureHeaders = ReadonlyMap<ProfileName, string>;

const NAME = 'GRAPNEL_SIGNATURE_HEADERS';
const HEADER = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

/** `profile=Header-Name`, separated by commas. */
export function readSignatureHeaders(env: EnvReader): SignatureHeaders {
  const headers = new Map<ProfileName, string>();
  for (const pair of (env.optional(NAME) ?? '').split(',')) {
    if (pair.trim() === '') continue;
    const [profile = '', header = ''] = pair.split('=').map((part) => part.trim());
    if (isProfileName(profile) && HEADER.test(header)) headers.set(profile, header);
    else env.problem(`${NAME} has "${pair.trim()}"; it may be profile=Header-Name, separated by commas`);
  }
  return headers;
}
