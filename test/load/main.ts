import { resolve } from 'node:path';
import { makeEveryObjectYoung } from '@grapnel/runtime/collector';
import { Command } from 'commander';
import { backlog } from './backlog.ts';
import { dispatcher } from './dispatcher.ts';
import { durability } from './durability.ts';
import { history } from './history.ts';
import { isolation } from './isolation.ts';
import { match } from './match.ts';
import { pipeline } from './pipeline.ts';
import { type Bench, printResult, writeResult } from './report.ts';
import { scale } from './scale.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  backlog,
  dispatcher,
  durability,
  history,
  isolation,
  match,
  pipeline,
  scale,
};

interface Options {
  readonly quick: boolean;
  readonly json?: string;
  readonly profile?: string;
}

// It stands for services, and asks as they do.
makeEveryObjectYoung();

const program = new Command('bench')
  .description('Measures the platform against what this machine can do without it.')
  .argument('<name>', `one of ${Object.keys(BENCHES).join(', ')}`)
  .option('--quick', 'a tenth of the work: to see that it runs, not to quote', false)
  .option('--json <file>', 'also write the result as JSON')
  .option('--profile <folder>', 'write a CPU profile of every process there, for a flame graph')
  .action(async (name: string, options: Options) => {
    const bench = BENCHES[name];
    if (bench === undefined)
      return program.error(`no benchmark "${name}"; there are ${Object.keys(BENCHES).join(', ')}`);
    if (options.profile !== undefined) process.env['BENCH_PROFILE'] = resolve(options.profile);
    const result = await bench({ quick: options.quick, log: (line) => console.error(line) });
    printResult(result);
    if (options.json !== undefined) await writeResult(options.json, result);
  });

await program.parseAsync();
