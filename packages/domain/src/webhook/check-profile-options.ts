import type { ProfileOption } from '../profiles/profile.ts';
import { PROFILE_NAMES, profileOf } from '../profiles/registry.ts';
import { checkTemplates } from '../profiles/templated-body.ts';
import { type Violation, violation } from '../violation.ts';
import { DEFAULTS, type WebhookChanges, type WebhookConfig } from './config.ts';

/** As callers spell the fields. */
const FIELDS: Readonly<Record<ProfileOption, string>> = {
  bodyFormat: 'body_format',
  includeWebhookId: 'include_webhook_id',
  payloadTemplate: 'payload_template',
  headersTemplate: 'headers_template',
  signed: 'signed',
  signatureScheme: 'signature_scheme',
};

const OPTIONS = Object.keys(FIELDS) as readonly ProfileOption[];

/** Options that the profile does not know are refused rather than ignored; templates are checked when saved (TH-03). */
export function checkProfileOptions(config: WebhookConfig, given: WebhookChanges): Violation[] {
  const { options } = profileOf(config.profile);
  const wrong: Violation[] = [];
  for (const option of OPTIONS) {
    if (!(option in given) || options.includes(option) || config[option] === DEFAULTS[option]) continue;
    const takers = PROFILE_NAMES.filter((name) => profileOf(name).options.includes(option));
    wrong.push(violation(FIELDS[option], 'INVALID_VALUE', `is an option of the profile ${takers.join(' or ')} alone`));
  }
  if (config.profile === 'template') wrong.push(...checkTemplates(config, given));
  return wrong;
}
