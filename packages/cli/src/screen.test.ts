import { describe, expect, it } from 'vitest';
import { shortTime, table } from './commands/table.ts';
import { type Output, Screen } from './screen.ts';

function outputs(isTTY: boolean) {
  const written: string[] = [];
  const output = (name: string): Output => ({
    isTTY,
    columns: 40,
    write: (text: string) => written.push(`${name}:${text}`),
  });
  return { written, screen: new Screen(output('out'), output('err')) };
}

describe('the screen', () => {
  it('keeps the line at the bottom at the bottom', () => {
    const { written, screen } = outputs(true);
    screen.status('working');
    screen.print('answer');
    screen.status('');
    screen.say('done');
    const clear = '\r\u001b[K';
    expect(written).toEqual([
      ...[`err:${clear}working`, `err:${clear}`, 'out:answer\n', 'err:working', `err:${clear}`, 'err:done\n'],
    ]);
  });

  it('cuts it to the width of the terminal', () => {
    const { written, screen } = outputs(true);
    screen.status('x'.repeat(100));
    expect(written[0]?.match(/x/g)).toHaveLength(39);
  });

  it('has none where there is no terminal', () => {
    const { written, screen } = outputs(false);
    screen.status('working');
    screen.say('line');
    expect(written).toEqual(['err:line\n']);
  });
});

describe('tables', () => {
  it('align their columns', () => {
    expect(
      table(
        ['id', 'name'],
        [
          ['1', 'long one'],
          ['22', ''],
        ],
      ),
    ).toEqual(['id  name', '1   long one', '22']);
  });

  it('show times in short', () => {
    expect(shortTime('2026-01-27T10:00:00.123Z')).toBe('2026-01-27 10:00:00Z');
    expect(shortTime(null)).toBe('–');
  });
});
