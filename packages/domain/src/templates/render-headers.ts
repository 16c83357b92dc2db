import { err, ok, type Result } from '../result.ts';
import { asciiOf, CONTROL, MAX_HEADER_CHARS } from './header-rules.ts';
import type { HeadersTemplate } from './parse-headers.ts';
import { renderText } from './render-text.ts';
import type { TemplateVariables } from './variables.ts';

/** Why headers could not be made: the caller decides what becomes of the delivery. Says nothing of the value itself. */
export interface HeaderRefusal {
  readonly header: string;
  readonly reason: string;
}

/**
 * The template's headers for one event. `reserved` are further names in lower case that belong to the system, such as
 * those of the signature; they are left out. A value with a line break or another control character refuses the whole
 * rendering (TH-07): leaving such a header out would send a request that its receiver takes for another.
 */
export function renderHeaders(
  template: HeadersTemplate,
  variables: TemplateVariables,
  reserved: ReadonlySet<string>,
): Result<Record<string, string>, HeaderRefusal> {
  const headers: [string, string][] = [];
  for (const { name, value } of template.headers) {
    if (reserved.has(name.toLowerCase())) continue;
    const text = renderText(value, variables, MAX_HEADER_CHARS);
    if (text !== null && CONTROL.test(text)) {
      return err({ header: name, reason: 'its value contains a line break or a control character' });
    }
    const encoded = text === null ? null : asciiOf(text);
    if (encoded === null || encoded.length > MAX_HEADER_CHARS) {
      return err({ header: name, reason: `its value is longer than ${MAX_HEADER_CHARS} characters` });
    }
    headers.push([name, encoded]);
  }
  return ok(Object.fromEntries(headers));
}
