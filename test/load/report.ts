import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a benchmark is told. */
export interface BenchOptions {
  /** A tenth of the work: to see that it runs, not to quote. */
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

/** A row of the printed table; ratios say against what. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Share of a limit measured in the same run. */
  readonly ratio?: { readonly of: string; readonly value: number };
}

export interface BenchResult {
  readonly name: string;
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

export type Bench = (options: BenchOptions) => Promise<BenchResult>;

export function printResult({ name, figures, notes }: BenchResult): void {
  const width = Math.max(...figures.map((figure) => figure.name.length));
  console.log(`\n${name}  (${machine()})`);
  for (const { name: label, value, unit, ratio } of figures) {
    const share = ratio === undefined ? '' : `  = ${ratio.value.toFixed(2)} × ${ratio.of}`;
    console.log(`  ${label.padEnd(width)}  ${shown(value).padStart(10)} ${unit}${share}`);
  }
  for (const note of notes) console.log(`  ${note}`);
}

export async function writeResult(file: string, result: BenchResult): Promise<void> {
  await writeFile(
    file,
    `${JSON.stringify({ ...result, machine: machine(), at: new Date().toISOString() }, null, 2)}\n`,
  );
}

const machine = (): string =>
  `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;

function shown(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 1 ? value.toFixed(2) : value.toPrecision(2);
}
