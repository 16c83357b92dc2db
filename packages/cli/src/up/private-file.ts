import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** Writes JSON that only its owner may read; readers see the old content or the new one, never half of it. */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  const staged = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(staged, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    await rename(staged, path);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
}

/** `undefined` when there is no such file; what is not JSON is an error that names it. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`${path} is not JSON`, { cause: error });
  }
}
