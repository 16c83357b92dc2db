import { spawn } from 'node:child_process';
import { toolEnv } from './config.ts';

/** How much of a tool's output is kept: its end, where the error is. */
const OUTPUT_LIMIT = 64 * 1024;

export interface CommandOptions {
  readonly cwd?: string;
  /** The tool is killed after this long. Default 60 s. */
  readonly timeoutMs?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface CommandResult {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it failed, for a message: the last line of its errors, or how it ended. */
  readonly reason: string;
}

/** Runs a short-lived tool without a shell. Never throws: a missing tool is a failed result. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  const timeoutMs = options.timeoutMs ?? 60_000;
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: toolEnv(),
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-OUTPUT_LIMIT);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-OUTPUT_LIMIT);
  });
  child.on('error', (error) => resolve({ ok: false, stdout, stderr, reason: error.message }));
  child.on('close', (code, signal) => {
    const ended = signal === null ? `exit code ${code}` : `ended by ${signal} (limit ${timeoutMs / 1000} s)`;
    const reason = lastLine(stderr) || lastLine(stdout) || ended;
    resolve({ ok: code === 0, stdout, stderr, reason });
  });
  return promise;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}
