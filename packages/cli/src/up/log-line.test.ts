import { describe, expect, it } from 'vitest';
import { formatLogLine, isTrouble, parseLogLine } from './log-line.ts';

const entry = (fields: object): string => JSON.stringify({ level: 'warn', time: 'now', service: 'ingest', ...fields });

describe('log lines for people', () => {
  it('shows the message with its cause', () => {
    const line = parseLogLine(entry({ msg: 'the store is away', err: { message: 'TIMEOUT', stack: 'at …' } }));
    expect(formatLogLine('ingest', line)).toBe('warn  ingest: the store is away (TIMEOUT)');
  });

  it('does not say the same twice', () => {
    const msg = 'could not start: port 8080 on 127.0.0.1 is in use';
    const err = { message: 'port 8080 on 127.0.0.1 is in use: listen EADDRINUSE' };
    expect(parseLogLine(entry({ msg, err })).text).toBe(msg);
    expect(parseLogLine(entry({ msg })).text).toBe(msg);
  });

  it('is one line of bounded length', () => {
    const { text } = parseLogLine(entry({ msg: `a\nb ${'x'.repeat(1_000)}` }));
    expect(text).toMatch(/^a b x+…$/);
    expect(text.length).toBe(300);
  });

  it.each([
    ['{"level":"warn","msg":"m"}', true, false],
    ['{"level":"error","msg":"m"}', true, true],
    ['{"level":"info","msg":"m"}', false, false],
    ['{"level":30,"msg":"not ours"}', true, true],
    ['{"half', true, true],
    ['Error: boom', true, true],
    ['    at file:///work/main.ts:1:1', false, false],
    ['  ^', false, false],
    ['(node:12) [DEP0001] DeprecationWarning: old', false, false],
  ])('%s is trouble: %s, while starting or stopping: %s', (line, running, unsettled) => {
    expect(isTrouble(parseLogLine(line), false)).toBe(running);
    expect(isTrouble(parseLogLine(line), true)).toBe(unsettled);
  });
});
