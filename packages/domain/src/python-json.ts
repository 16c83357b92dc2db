/**
 * Rewrites compact JSON as Python's `json.dumps` writes what it has parsed: a space after `:` and `,`, everything above
 * ASCII escaped, floats in Python's spelling. A receiver that parses and dumps again arrives at these bytes (ST-04).
 */
export function pythonJson(compact: string): string {
  return compact.replace(TOKEN, (token) => {
    const first = token.charCodeAt(0);
    if (first === QUOTE) return token.replace(NOT_PRINTABLE, escaped);
    if (token === ',' || token === ':') return `${token} `;
    return pythonNumber(token);
  });
}

const QUOTE = 0x22;
// A string, a separator, or a number; everything else (brackets, true, false, null) is the same in both.
const TOKEN = /"(?:[^"\\]|\\.)*"|[,:]|-?\d[\d.eE+-]*/g;
const NOT_PRINTABLE = /[^\u0020-\u007e]/g;

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Python has integers of any size; what has a fraction or an exponent is a float, written by its `repr`. */
function pythonNumber(token: string): string {
  if (/^-?\d+$/.test(token)) return token === '-0' ? '0' : token;
  const value = Number(token);
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  const sign = token.startsWith('-') ? '-' : '';
  const [mantissa = '0', exponent = '0'] = Math.abs(value).toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    return `${sign}${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return sign + positional(mantissa.replace('.', ''), power);
}

/** `digits` with the point after the first `power + 1` of them. */
function positional(digits: string, power: number): string {
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0');
  return `${whole}.${digits.slice(power + 1) || '0'}`;
}
