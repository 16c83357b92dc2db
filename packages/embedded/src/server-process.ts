import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { toolEnv } from './config.ts';

/** How a server ended. `expected` is true only after `stop()`. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly expected: boolean;
}

/** One step of an orderly stop: the signal, and how long it may take to work. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly patienceMs: number;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Receives both outputs; the file of the run before is kept beside it as `….1`. */
  readonly logFile: string;
  readonly stopSteps: readonly StopStep[];
  /** Sent by the kernel when this process dies without stopping the server (Linux). */
  readonly deathSignal: 'TERM' | 'INT';
  /** In addition to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly identity?: { readonly uid: number; readonly gid: number } | undefined;
  readonly onExit?: ((exit: ServerExit) => void) | undefined;
}

/** A long-running server that belongs to this process. */
export class ServerProcess {
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  readonly #child: ChildProcess;
  readonly #command: ServerCommand;
  #stopping = false;
  #exit: ServerExit | undefined;

  private constructor(child: ChildProcess, pid: number, command: ServerCommand) {
    this.#child = child;
    this.#command = command;
    this.pid = pid;
    const { promise, resolve } = Promise.withResolvers<ServerExit>();
    this.exited = promise;
    const killAtExit = (): void => void child.kill(command.stopSteps[0]?.signal ?? 'SIGTERM');
    process.once('exit', killAtExit);
    child.once('exit', (code, signal) => {
      process.removeListener('exit', killAtExit);
      this.#exit = { code, signal, expected: this.#stopping };
      resolve(this.#exit);
      command.onExit?.(this.#exit);
    });
  }

  /** Spawns the server; throws when the command cannot be executed at all. */
  static async spawn(command: ServerCommand): Promise<ServerProcess> {
    keepPreviousLog(command.logFile);
    const log = openSync(command.logFile, 'a', 0o600);
    const wrapped = withDeathSignal(command);
    try {
      const child = spawn(wrapped.command, wrapped.args, {
        stdio: ['ignore', log, log],
        env: toolEnv(command.env),
        // Its own process group: Ctrl-C in a terminal reaches this process only, which then stops things in order.
        detached: true,
        ...(command.identity === undefined ? {} : { uid: command.identity.uid, gid: command.identity.gid }),
      });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      child.once('spawn', resolve);
      child.once('error', reject);
      await promise;
      if (child.pid === undefined) throw new Error(`${command.command} has no process id`);
      return new ServerProcess(child, child.pid, command);
    } finally {
      closeSync(log);
    }
  }

  get exit(): ServerExit | undefined {
    return this.#exit;
  }

  /** The end of what the server has printed in this run. */
  logTail(limit = 2_000): string {
    try {
      return readFileSync(this.#command.logFile, 'utf8').slice(-limit).trim();
    } catch {
      return '';
    }
  }

  /** Stops the server in order, harder when it does not listen. Idempotent; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { signal, patienceMs } of [
      ...this.#command.stopSteps,
      { signal: 'SIGKILL' as const, patienceMs: 10_000 },
    ]) {
      if (this.#exit !== undefined) return;
      this.#child.kill(signal);
      const timer = new AbortController();
      await Promise.race([this.exited, sleep(patienceMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
    }
    if (this.#exit === undefined) throw new Error(`process ${this.pid} survived SIGKILL`);
  }

  /** Sends a signal as an accident would. With SIGKILL, resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#exit !== undefined) return;
    this.#child.kill(signal);
    if (signal === 'SIGKILL') await this.exited;
  }
}

function keepPreviousLog(path: string): void {
  try {
    rmSync(`${path}.1`, { force: true });
    renameSync(path, `${path}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

let deathSignals: boolean | undefined;

/** On Linux, `setpriv` (util-linux) asks the kernel to end the server when this process dies, kill -9 included. */
function withDeathSignal(command: ServerCommand): {
  command: string;
  args: readonly string[];
} {
  deathSignals ??=
    process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'TERM', '--', 'true']).status === 0;
  if (!deathSignals) return command;
  return {
    command: 'setpriv',
    args: ['--pdeathsig', command.deathSignal, '--', command.command, ...command.args],
  };
}
