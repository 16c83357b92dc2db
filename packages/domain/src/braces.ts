/** A stretch of a text with variables. */
export type Stretch =
  | { readonly kind: 'text'; readonly text: string }
  /** What stands between two pairs of braces; `offset` is where they open. */
  | { readonly kind: 'variable'; readonly inner: string; readonly offset: number }
  | { readonly kind: 'unclosed'; readonly offset: number };

/**
 * Cuts a text at its `{{…}}`, in one pass. `{{` always opens a variable, there is no escape; a single brace and a `}}` that
 * closes nothing are plain text. Braces that are not closed are the last stretch.
 */
export function* cutAtBraces(text: string): Generator<Stretch> {
  let done = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', done)) {
    const close = text.indexOf('}}', open + 2);
    if (close < 0) return yield { kind: 'unclosed', offset: open };
    if (open > done) yield { kind: 'text', text: text.slice(done, open) };
    yield { kind: 'variable', inner: text.slice(open + 2, close), offset: open };
    done = close + 2;
  }
  if (done < text.length) yield { kind: 'text', text: text.slice(done) };
}
