import type { EnvSource } from '@grapnel/runtime/env';
import type { Command, OutputConfiguration } from 'commander';
import type { Output } from '../screen.ts';

/** How the person at the keyboard calls this program: `npm run` says which script it is. */
export function calledBy(env: EnvSource): string {
  return ['grapnel', 'start'].includes(env['npm_lifecycle_event'] ?? '') ? 'npm run grapnel --' : 'grapnel';
}

// A command in an example or in quotes; `.grapnel` and the title are not.
const COMMAND = /(?<![.\w-])grapnel (?=[a-z])/g;

/** `text` with every command in it as it can be copied. */
export const asCalled = (name: string, text: string): string => text.replaceAll(COMMAND, `${name} `);

export function helpAs(name: string, out: Output, err: Output): OutputConfiguration {
  return {
    writeOut: (text) => void out.write(asCalled(name, text)),
    writeErr: (text) => void err.write(asCalled(name, text)),
  };
}

/** A command that only groups others says which there are; that is an answer, not a mistake. */
export function helpWhenBare(group: Command): void {
  group.allowExcessArguments().action(() => {
    const [unknown] = group.args;
    if (unknown !== undefined) group.error(`error: unknown command '${unknown}'`);
    group.outputHelp();
  });
}
