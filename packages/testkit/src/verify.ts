// What `npm run verify` runs: every gate in order, stopping at the first that fails.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { childEnv } from './config.ts';
import { repositoryFiles, repositoryRoot } from './repository.ts';
import { runProgram } from './run-program.ts';

interface Gate {
  readonly name: string;
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
}

const bin = (name: string): string => join(repositoryRoot, 'node_modules/.bin', name);
const script = (name: string): string => join(import.meta.dirname, name);

function gates(testArguments: readonly string[]): Gate[] {
  return [
    { name: 'format', commands: [[bin('biome'), 'check', '.']] },
    {
      name: 'lint and import walls',
      commands: [
        [bin('oxlint'), '--config', '.oxlintrc.json', '--type-aware'],
        [process.execPath, script('import-walls.ts')],
      ],
    },
    { name: 'types', commands: typeChecks() },
    {
      name: 'proto',
      commands: [
        [bin('buf'), 'lint', 'proto'],
        [process.execPath, script('proto-drift.ts')],
      ],
    },
    { name: 'dead code', commands: [[bin('knip')]] },
    {
      name: 'conformance',
      commands: [[process.execPath, join(repositoryRoot, 'test/conformance/main.ts')]],
    },
    { name: 'tests', commands: [[process.execPath, script('run-tests.ts'), ...testArguments]] },
  ];
}

/**
 * The root project holds every folder whose tsconfig adds nothing to the base, in one program that parses what they
 * share once; a folder with settings of its own is checked by itself.
 */
function typeChecks(): Gate['commands'] {
  const projects = repositoryFiles('tsconfig.json', '*/tsconfig.json').filter((path) => path.includes('/'));
  const special = projects.filter((path) => {
    const config = JSON.parse(readFileSync(join(repositoryRoot, path), 'utf8')) as { compilerOptions?: object };
    return config.compilerOptions !== undefined;
  });
  const folders = ['.', ...special.map((path) => dirname(path))];
  return folders.map((folder) => [bin('tsc'), '--noEmit', '-p', folder] as const);
}

async function runGate(gate: Gate): Promise<boolean> {
  for (const [program, ...args] of gate.commands) {
    const status = await runProgram(program, args, { cwd: repositoryRoot, env: childEnv({}) });
    if (status !== 0) return false;
  }
  return true;
}

async function main(testArguments: readonly string[]): Promise<number> {
  const lines: string[] = [];
  let failed: string | undefined;
  for (const gate of gates(testArguments)) {
    if (failed !== undefined) {
      lines.push(`- ${gate.name}`);
      continue;
    }
    console.log(`\n== ${gate.name}`);
    const started = performance.now();
    const passed = await runGate(gate);
    lines.push(`${passed ? '✓' : '✗'} ${gate.name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    if (!passed) failed = gate.name;
  }
  console.log(`\n${lines.join('\n')}`);
  console.log(failed === undefined ? 'verified' : `stopped at: ${failed}`);
  return failed === undefined ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
