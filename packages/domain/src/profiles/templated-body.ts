import { compactJson } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { type HeadersTemplate, parseHeadersTemplate } from '../templates/parse-headers.ts';
import { type PayloadTemplate, parsePayloadTemplate, toViolations } from '../templates/parse-template.ts';
import { renderHeaders } from '../templates/render-headers.ts';
import { renderPayload } from '../templates/render-payload.ts';
import { type TemplateVariables, templateVariables } from '../templates/variables.ts';
import { type Violation, violation } from '../violation.ts';
import type { WebhookChanges, WebhookConfig } from '../webhook/config.ts';
import type { BodyContext } from './profile.ts';

interface Parsed {
  readonly payload: Result<PayloadTemplate, Violation[]> | null;
  readonly headers: Result<HeadersTemplate, Violation[]> | null;
}

/** Parsed once per configuration; a changed webhook has another. */
const parsed = new WeakMap<WebhookConfig, Parsed>();

/** Merged with the system's headers, which win; only those of the signature and its time are not named by every template. */
const RESERVED: ReadonlySet<string> = new Set(['x-webhook-signature', 'x-webhook-timestamp']);

/** In the form that receivers arrive at which parse and serialise again (ST-04), whatever the template's spelling. */
export function templatedBody(context: BodyContext): Result<string, string> {
  const { payload } = templatesOf(context.config);
  if (payload === null) return ok(context.data);
  if (!payload.ok) return unusable('payload_template', payload.error);
  const rendered = renderPayload(payload.value, variablesOf(context));
  return rendered.ok ? ok(compactJson(rendered.value)) : err(`the payload ${rendered.error}`);
}

export function templatedHeaders(context: BodyContext): Result<Record<string, string>, string> {
  const { headers } = templatesOf(context.config);
  if (headers === null) return ok({});
  if (!headers.ok) return unusable('headers_template', headers.error);
  const rendered = renderHeaders(headers.value, variablesOf(context), RESERVED);
  return rendered.ok ? rendered : err(`header ${rendered.error.header} of the template: ${rendered.error.reason}`);
}

/** A template is checked when it is saved; one that an older version took may be refused by this one. */
const unusable = (field: string, wrong: readonly Violation[]): Result<never, string> =>
  err(`${field} cannot be used: ${wrong[0]?.message ?? 'it is not valid'}`);

/** What is wrong with the templates of a configuration (TH-03). */
export function checkTemplates(config: WebhookConfig, given: WebhookChanges): Violation[] {
  const wrong: Violation[] = [];
  if ('payloadTemplate' in given) {
    if (config.payloadTemplate === null) {
      wrong.push(violation('payload_template', 'REQUIRED', 'is required: the JSON to send, with variables'));
    } else {
      const payload = parsePayloadTemplate(config.payloadTemplate);
      if (!payload.ok) wrong.push(...payload.error);
    }
  }
  if ('headersTemplate' in given && config.headersTemplate !== null) {
    const headers = parseHeadersTemplate(config.headersTemplate);
    wrong.push(...(headers.ok ? signatureFaults(config.headersTemplate, headers.value) : headers.error));
  }
  return wrong;
}

/**
 * The original says of its own headers that they are overwritten, and customers' templates may name them (TH-07). It
 * has none of these: who names one means something that will not happen.
 */
function signatureFaults(text: string, { headers }: HeadersTemplate): Violation[] {
  const faults = headers.filter(({ name }) => RESERVED.has(name.toLowerCase()));
  const message = (name: string): string => `the header ${name} is the signature's and cannot be set`;
  return toViolations(
    text,
    'headers_template',
    faults.map(({ name, offset }) => ({ message: message(name), offset })),
  );
}

const variablesOf = ({ event, value }: BodyContext): TemplateVariables => templateVariables(event, value());

function templatesOf(config: WebhookConfig): Parsed {
  let templates = parsed.get(config);
  if (templates === undefined) {
    const payload = config.payloadTemplate === null ? null : parsePayloadTemplate(config.payloadTemplate);
    const headers = config.headersTemplate === null ? null : parseHeadersTemplate(config.headersTemplate);
    templates = { payload, headers };
    parsed.set(config, templates);
  }
  return templates;
}
