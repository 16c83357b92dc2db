import { describe, expect, it } from 'vitest';
import { pythonJson } from './python-json.ts';

describe('JSON as Python writes it', () => {
  // Each right side is what Python's json.dumps(json.loads(left)) prints.
  const cases: [string, string][] = [
    ['{"a":[1,true,null],"b":{}}', '{"a": [1, true, null], "b": {}}'],
    ['"é\u{1f600}\u007f"', '"\\u00e9\\ud83d\\ude00\\u007f"'],
    ['"a,b:c\\",1.0"', '"a,b:c\\",1.0"'],
    ['1e16', '1e+16'],
    ['1e15', '1000000000000000.0'],
    ['232481418578720.62', '232481418578720.62'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['1.50', '1.5'],
    ['-0.0', '-0.0'],
    ['-0', '0'],
    ['12345678901234567890', '12345678901234567890'],
    ['5e-324', '5e-324'],
  ];
  it.each(cases)('ST-04 writes %s as a receiver in Python would', (compact, written) => {
    expect(pythonJson(compact)).toBe(written);
  });
});
