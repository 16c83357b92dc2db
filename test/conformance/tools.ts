import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { APT_TIMEOUT_MS, aptInstall } from '@grapnel/embedded/apt-install';
import { withFolderLock } from '@grapnel/embedded/folder-lock';
import { projectCacheDir } from '@grapnel/embedded/project-cache';

/** Languages of customers' receivers, beside Node's. */
export type Tool = 'python' | 'go';

const TOOLS: Readonly<
  Record<
    Tool,
    { readonly program: string; readonly probe: readonly string[]; readonly install: string; readonly package: string }
  >
> = {
  python: {
    program: 'python3',
    probe: ['--version'],
    install: 'Python 3 (Debian and Ubuntu: apt-get install python3)',
    package: 'python3',
  },
  go: {
    program: 'go',
    probe: ['version'],
    install: 'Go (Debian and Ubuntu: apt-get install golang-go)',
    package: 'golang-go',
  },
};

const SETTING = 'GRAPNEL_TEST_WITHOUT';

/** The tools that tests are run with: all but those that `GRAPNEL_TEST_WITHOUT` names, in `go,python` form. */
export function testedTools(env: NodeJS.ProcessEnv = process.env): Tool[] {
  const without = (env[SETTING] ?? '').split(',').map((name) => name.trim());
  const unknown = without.find((name) => name !== '' && !Object.hasOwn(TOOLS, name));
  if (unknown !== undefined)
    throw new Error(`${SETTING} names "${unknown}"; it may name ${Object.keys(TOOLS).join(' and ')}`);
  return (Object.keys(TOOLS) as Tool[]).filter((tool) => !without.includes(tool));
}

/** Reading the package lists, and the installation itself. */
export const INSTALL_TIMEOUT_MS = 2 * APT_TIMEOUT_MS;

/** The tool's program, installed by the system's package manager where it is missing and that may install. */
export async function installedProgramOf(tool: Tool): Promise<string> {
  if (!isThere(tool, process.env)) {
    const purpose = `installing ${tool}`;
    const onProgress = (text: string): void => console.log(`[tests] ${text}`);
    await withFolderLock(join(projectCacheDir, 'apt.lock'), { purpose, onProgress }, async () => {
      if (isThere(tool, process.env)) return;
      // What it could not do is said by the next line, with what a person can do.
      await aptInstall(TOOLS[tool].package, onProgress).catch((error: unknown) => onProgress(String(error)));
    });
  }
  return programOf(tool);
}

function isThere(tool: Tool, env: NodeJS.ProcessEnv): boolean {
  const { program, probe } = TOOLS[tool];
  return spawnSync(program, probe, { env, stdio: 'ignore' }).status === 0;
}

/** The tool's program; throws with what to do when it is not there: tests are never left out by themselves. */
export function programOf(tool: Tool, env: NodeJS.ProcessEnv = process.env): string {
  const { program, install } = TOOLS[tool];
  if (isThere(tool, env)) return program;
  throw new Error(`${program} was not found: install ${install}, or leave its tests out with ${SETTING}=${tool}`);
}
