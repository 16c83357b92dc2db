import { err, ok, type Result, unreachable } from '../result.ts';
import type { PayloadPart, PayloadTemplate } from './parse-template.ts';
import { renderText } from './render-text.ts';
import { resolve } from './resolve.ts';
import type { TemplateVariables } from './variables.ts';

/** 4 MB: a template may repeat an event's 1 MB of data, and a delivery must still fit into a message of 8 MB. */
export const MAX_RENDERED_BYTES = 4 * 1_048_576;

/**
 * The payload as compact JSON text (TH-04 … TH-06), or why there is none. One pass: values are put in and never read
 * again. The work is bounded by the result's size: it stops at the first part that goes beyond `maxBytes`.
 */
export function renderPayload(
  template: PayloadTemplate,
  variables: TemplateVariables,
  maxBytes = MAX_RENDERED_BYTES,
): Result<string, string> {
  const rendered: string[] = [];
  let left = maxBytes;
  for (const part of template.parts) {
    const text = renderPart(part, variables, left);
    left -= text === null ? Number.POSITIVE_INFINITY : Buffer.byteLength(text);
    if (text === null || left < 0) return err(`would be larger than ${maxBytes} bytes`);
    rendered.push(text);
  }
  return ok(rendered.join(''));
}

/** `null` when the text would be longer than `max`. */
function renderPart(part: PayloadPart, variables: TemplateVariables, max: number): string | null {
  switch (part.kind) {
    case 'json':
      return part.text;
    case 'value':
      return JSON.stringify(resolve(part.placeholder, variables));
    case 'text': {
      const text = renderText(part.pieces, variables, max);
      return text === null ? null : JSON.stringify(text);
    }
    default:
      return unreachable(part);
  }
}
