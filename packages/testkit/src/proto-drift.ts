// Fails when the committed protobuf code differs from what `buf generate` makes of proto/ today.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnv } from './config.ts';
import { repositoryRoot } from './repository.ts';
import { runProgram } from './run-program.ts';

const GENERATED = 'packages/contracts/src/gen';

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'grapnel-proto-'));
  try {
    // The template writes to ../packages/…, so its base is a folder inside the temporary one.
    const args = ['generate', '--output', join(folder, 'proto')];
    const buf = join(repositoryRoot, 'node_modules/.bin/buf');
    const status = await runProgram(buf, args, { cwd: join(repositoryRoot, 'proto'), env: childEnv({}) });
    if (status !== 0) return status;
    const differing = compareFolders(join(folder, GENERATED), join(repositoryRoot, GENERATED));
    for (const name of differing) console.error(`${GENERATED}/${name} is not what proto/ generates`);
    if (differing.length > 0) console.error('run "npx buf generate" in proto/ and commit the result');
    return differing.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Names of files that are missing on one side or differ. */
function compareFolders(a: string, b: string): string[] {
  const names = new Set([...filesIn(a), ...filesIn(b)]);
  return [...names].toSorted().filter((name) => read(join(a, name)) !== read(join(b, name)));
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

process.exitCode = await main();
