import { appendFileSync, existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@grapnel/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFile } from './log-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'grapnel-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the log of a service', () => {
  it('is read along, whole lines at a time, from where it was', async () => {
    const path = join(folder, 'x.log');
    writeFileSync(path, 'of an earlier run\n');
    const log = new LogFile(path);
    const lines: string[] = [];
    log.follow(systemClock, (line) => lines.push(line));
    const emoji = Buffer.from('three 🪝\nfo');
    appendFileSync(path, 'one\n\ntwo\n');
    appendFileSync(path, emoji.subarray(0, 8));
    appendFileSync(path, emoji.subarray(8));
    appendFileSync(path, 'ur');
    await log.close();
    expect(lines).toEqual(['one', 'two', 'three 🪝', 'four']);
  });

  it('gives what came after a position', () => {
    const path = join(folder, 'x.log');
    writeFileSync(path, 'before\n');
    const log = new LogFile(path);
    const position = log.size;
    appendFileSync(path, 'after\n');
    expect(log.since(position)).toEqual(['after']);
  });

  it('is set aside when it has grown large', () => {
    const path = join(folder, 'x.log');
    writeFileSync(path, 'small');
    const small = new LogFile(path);
    expect(small.size).toBe(5);
    truncateSync(path, 11 * 1_048_576);
    expect(new LogFile(path).size).toBe(0);
    expect(existsSync(`${path}.1`)).toBe(true);
  });
});
