import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryFiles, repositoryRoot } from './repository.ts';

/** A static import or re-export at the start of a line, or a dynamic import anywhere. */
const RELATIVE_IMPORT =
  /^\s*(?:import|export)\b[^'"`;=(]*['"](\.{1,2}\/[^'"]+)['"]|\bimport\(\s*['"](\.{1,2}\/[^'"]+)['"]/gm;

/** The one wall the linter cannot express: a relative import stays inside its own package or service. */
export function crossingImports(file: string, source: string): string[] {
  const home = homeOf(file);
  if (home === undefined) return [];
  return [...source.matchAll(RELATIVE_IMPORT)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((specifier) => !join(dirname(file), specifier).startsWith(`${home}/`));
}

/** `packages/x` or `services/x`. */
function homeOf(file: string): string | undefined {
  return /^(?:packages|services)\/[^/]+/.exec(file)?.[0];
}

function main(): void {
  const files = repositoryFiles('packages/*.ts', 'services/*.ts');
  const crossings = files.flatMap((file) =>
    crossingImports(file, readFileSync(join(repositoryRoot, file), 'utf8')).map((specifier) => `${file}: ${specifier}`),
  );
  for (const crossing of crossings) console.error(`${crossing} leaves its package: import it by name, or not at all`);
  if (crossings.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
