import { describe, expect, it } from 'vitest';
import { table } from './commands/table.ts';
import { visible, visibleLines } from './visible.ts';

describe('what others have written', () => {
  it('is printed without its control characters', () => {
    expect(visible('a\u001b[2Jb\u009b1mc\u007f\r\n\td\u202ee é 日 👩‍🚀')).toBe(
      'a\\u001b[2Jb\\u009b1mc\\u007f\\u000d\\u000a\\u0009d\\u202ee é 日 👩‍🚀',
    );
    expect(visibleLines('a\n\tb\r\u001b')).toBe('a\n\tb\\u000d\\u001b');
  });

  it('stays in its row of a table', () => {
    expect(table(['name'], [['a\nb']])).toEqual(['name', 'a\\u000ab']);
  });
});
