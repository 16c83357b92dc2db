import { Command } from 'commander';
import { dispatcher } from './dispatcher.ts';
import { pipeline } from './pipeline.ts';
import { type Bench, printResult, writeResult } from './report.ts';

const BENCHES: Readonly<Record<string, Bench>> = { dispatcher, pipeline };

const program = new Command('bench')
  .description('Measures the platform against what this machine can do without it.')
  .argument('<name>', `one of ${Object.keys(BENCHES).join(', ')}`)
  .option('--quick', 'a tenth of the work: to see that it runs, not to quote', false)
  .option('--json <file>', 'also write the result as JSON')
  .action(async (name: string, options: { readonly quick: boolean; readonly json?: string }) => {
    const bench = BENCHES[name];
    if (bench === undefined)
      return program.error(`no benchmark "${name}"; there are ${Object.keys(BENCHES).join(', ')}`);
    const result = await bench({ quick: options.quick, log: (line) => console.error(line) });
    printResult(result);
    if (options.json !== undefined) await writeResult(options.json, result);
  });

await program.parseAsync();
