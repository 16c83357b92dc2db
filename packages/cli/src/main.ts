import { SetupError } from '@grapnel/embedded/setup-error';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { ConfigError } from '@grapnel/runtime/env';
import { Command } from 'commander';
import { CommandError, sentenceOf } from './command-error.ts';
import { addDeliveries } from './commands/deliveries.ts';
import { addEventTypes } from './commands/event-types.ts';
import { addEvents } from './commands/events.ts';
import { asCalled, calledBy, helpAs, helpWhenBare } from './commands/help.ts';
import { addKeys } from './commands/keys.ts';
import { addRebuild, addStatus } from './commands/projection.ts';
import { addProvision } from './commands/provision.ts';
import { addPublish } from './commands/publish.ts';
import { addReplays } from './commands/replays.ts';
import { addWebhooks } from './commands/webhooks.ts';
import { Screen } from './screen.ts';
import { addUp } from './up/command.ts';

const screen = new Screen(process.stdout, process.stderr);
const name = calledBy(process.env);
const program = new Command(name)
  .description('Event-sourced webhook delivery.')
  .configureOutput(helpAs(name, process.stdout, process.stderr))
  .showHelpAfterError('(--help says more)')
  .helpCommand(false);
for (const add of [
  ...[addUp, addStatus, addWebhooks, addPublish, addDeliveries, addReplays],
  ...[addKeys, addEventTypes, addEvents, addRebuild, addProvision],
]) {
  add(program, screen, process.env);
}
for (const group of [program, ...program.commands.filter(({ commands }) => commands.length > 0)]) helpWhenBare(group);

try {
  await program.parseAsync(process.argv);
  process.exit(0);
} catch (error) {
  screen.status('');
  screen.say(asCalled(name, explained(error)));
  process.exit(1);
}

/** A sentence for what can happen; a stack for what must not. */
function explained(error: unknown): string {
  if (error instanceof RpcError) {
    const text =
      error.code === Code.UNAVAILABLE ? 'The service cannot be reached' : `The service answered ${Code[error.code]}`;
    return `${text}: ${error.message}`;
  }
  const expected = error instanceof SetupError || error instanceof CommandError || error instanceof ConfigError;
  return expected || !(error instanceof Error) ? sentenceOf(error) : (error.stack ?? error.message);
}
