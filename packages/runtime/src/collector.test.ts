import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { EVERY_OBJECT_YOUNG, makeEveryObjectYoung } from './collector.ts';

const run = promisify(execFile);

it('the flag that services set is one that this Node knows', async () => {
  await expect(run(process.execPath, [EVERY_OBJECT_YOUNG, '--eval', ''])).resolves.toBeDefined();
  await expect(run(process.execPath, ['--no-such-flag-of-ours', '--eval', ''])).rejects.toThrow('bad option');
  makeEveryObjectYoung();
});
