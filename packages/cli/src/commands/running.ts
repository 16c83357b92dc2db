import { CommandError } from '../command-error.ts';
import { type DataDir, dataDirAt } from '../up/data-dir.ts';
import { livingSupervisor } from '../up/lock.ts';
import { type Runtime, readRuntime } from '../up/runtime-file.ts';

export const USUAL_DATA_DIR = '.grapnel';

/**
 * The platform of a data directory; `undefined` when it was stopped in order, or never started.
 * @throws CommandError when what it left behind says that it was not
 */
export async function runningAt(
  path: string,
): Promise<{ readonly dir: DataDir; readonly runtime: Runtime | undefined }> {
  const dir = dataDirAt(path);
  const runtime = await readRuntime(dir);
  if (runtime === undefined || (await livingSupervisor(dir)) !== undefined) return { dir, runtime };
  throw new CommandError(
    `The platform of ${dir.path} is gone: its process was ended before it could stop, and ${dir.runtimeFile} is left over. ` +
      'Start it again (npm start, with the same --data-dir): it goes on with its data.',
  );
}
