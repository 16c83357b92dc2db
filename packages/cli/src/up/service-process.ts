import { type ChildProcess, fork } from 'node:child_process';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SetupError } from '@grapnel/embedded/setup-error';
import type { Clock } from '@grapnel/runtime/clock';
import { CommandError } from '../command-error.ts';
import type { LogFile } from './log-file.ts';
import { parseLogLine } from './log-line.ts';
import { yieldToDeliveries } from './priority.ts';
import type { ServiceName } from './service-env.ts';
import type { Running } from './supervised.ts';

export interface ServiceCommand {
  readonly service: ServiceName;
  /** Shown among its arguments, by which a leftover of a killed supervisor is recognised. */
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: LogFile;
  readonly stopWithinMs: number;
  readonly clock: Clock;
}

export interface RunningService extends Running {
  /** Where it listens, by name; known once it is ready. */
  readonly addresses: Promise<Readonly<Record<string, string>>>;
}

/** Longer than the service's own bound, which it gets to use first. */
const GRACE_MS = 2_000;
/** `run()` ends so when the environment is wrong, which another try does not mend. */
const WRONG_CONFIGURATION = 2;

function serviceMain(service: ServiceName): string {
  return fileURLToPath(new URL(`../../../../services/${service}/src/main.ts`, import.meta.url));
}

/** Starts a service as a process of its own; it notices by its IPC channel when this one is gone. */
export function startService(command: ServiceCommand): RunningService {
  const begin = command.log.size;
  const child = spawn(command);
  if (command.service === 'projector' && child.pid !== undefined) yieldToDeliveries(child.pid);
  const ended = Promise.withResolvers<{ readonly how: string; readonly code: number | null }>();
  child.once('exit', (code, signal) =>
    ended.resolve({ code, how: signal === null ? `exit code ${code}` : `killed by ${signal}` }),
  );
  child.once('error', (error) => {
    if (child.pid === undefined) ended.resolve({ code: null, how: error.message });
  });
  const addresses = Promise.withResolvers<Readonly<Record<string, string>>>();
  child.on('message', (message) => {
    const ready = (message as { readonly ready?: Readonly<Record<string, string>> }).ready;
    if (ready !== undefined) addresses.resolve(ready);
  });
  const failed = ended.promise.then(({ how, code }): never => {
    const { log, service } = command;
    const sentence = `${service} did not start: ${lastWords(log.since(begin)) || how} (its log: ${log.path})`;
    throw code === WRONG_CONFIGURATION ? new SetupError(sentence) : new CommandError(sentence);
  });
  const listening = Promise.race([addresses.promise, failed]);
  const ready = listening.then(noValue);
  ready.catch(noValue);
  const exited = ended.promise.then(({ how }) => how);
  return {
    pid: child.pid ?? 0,
    ready,
    addresses: listening,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const patience = new AbortController();
      const bound = command.clock.sleep(command.stopWithinMs + GRACE_MS, patience.signal).then(
        () => void child.kill('SIGKILL'),
        () => undefined,
      );
      await Promise.race([exited, bound]);
      patience.abort();
      await exited;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function spawn({ service, dataDir, env, log }: ServiceCommand): ChildProcess {
  const output = log.openForChild();
  try {
    return fork(serviceMain(service), [dataDir], {
      env: { ...env },
      stdio: ['ignore', output, output, 'ipc'],
      // Ctrl-C in a terminal reaches the supervisor alone, which then stops things in order.
      detached: true,
    });
  } finally {
    closeSync(output);
  }
}

/** Of what a service wrote in vain, the part that says why. */
function lastWords(lines: readonly string[]): string {
  const entries = lines.map(parseLogLine);
  const complaint = entries.findLast(({ level }) => level === 'fatal' || level === 'error');
  if (complaint !== undefined) return complaint.text;
  const raw = entries.filter(({ level }) => level === null).map(({ text }) => text);
  return raw.find((text) => /\b\w*Error\b/.test(text)) ?? raw.join(' ');
}

const noValue = (): void => undefined;
