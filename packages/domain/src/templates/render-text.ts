import type { Pieces } from './placeholder.ts';
import { asText, resolve } from './resolve.ts';
import type { TemplateVariables } from './variables.ts';

/** A string with its placeholders filled in; `null` as soon as it is longer than `maxChars`. */
export function renderText(pieces: Pieces, variables: TemplateVariables, maxChars: number): string | null {
  const filled: string[] = [];
  let chars = 0;
  for (const piece of pieces) {
    const text = typeof piece === 'string' ? piece : asText(resolve(piece, variables));
    chars += text.length;
    if (chars > maxChars) return null;
    filled.push(text);
  }
  return filled.join('');
}
