/** `line 3, column 12 (offset 40)`: lines and columns count from 1, the offset from 0, all in UTF-16 units. */
export function describePosition(text: string, offset: number): string {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return `line ${line}, column ${offset - start + 1} (offset ${offset})`;
}

/**
 * Where the character at `index` of a string's value stands in the JSON text whose opening quote is at `quote`:
 * an escape is one character of the value and several of the text.
 */
export function offsetInString(text: string, quote: number, index: number): number {
  let at = quote + 1;
  for (let i = 0; i < index; i++) {
    if (text.charAt(at) !== '\\') at++;
    else at += text.charAt(at + 1) === 'u' ? 6 : 2;
  }
  return at;
}
