import { spawnSync } from 'node:child_process';

/** Languages of customers' receivers, beside Node's. */
export type Tool = 'python' | 'go';

const TOOLS: Readonly<
  Record<Tool, { readonly program: string; readonly probe: readonly string[]; readonly install: string }>
> = {
  python: {
    program: 'python3',
    probe: ['--version'],
    install: 'Python 3 (Debian and Ubuntu: apt-get install python3)',
  },
  go: { program: 'go', probe: ['version'], install: 'Go (Debian and Ubuntu: apt-get install golang-go)' },
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

/** The tool's program; throws with what to do when it is not there: tests are never left out by themselves. */
export function programOf(tool: Tool, env: NodeJS.ProcessEnv = process.env): string {
  const { program, probe, install } = TOOLS[tool];
  if (spawnSync(program, probe, { env, stdio: 'ignore' }).status === 0) return program;
  throw new Error(`${program} was not found: install ${install}, or leave its tests out with ${SETTING}=${tool}`);
}
