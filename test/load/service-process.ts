import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One service in a process of its own, for benchmarks of a part of the line. */
export interface ServiceProcess extends AsyncDisposable {
  readonly pid: number;
  readonly addresses: Readonly<Record<string, string>>;
}

export async function startService(
  name: string,
  env: Readonly<Record<string, string>>,
  execArgv: string[] = [],
): Promise<ServiceProcess> {
  const main = fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url));
  const child: ChildProcess = fork(main, { env: { ...process.env, LOG_LEVEL: 'warn', ...env }, execArgv });
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start`))),
  ])) as [{ readonly ready: Readonly<Record<string, string>> }];
  return {
    pid: child.pid ?? 0,
    addresses: message.ready,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
