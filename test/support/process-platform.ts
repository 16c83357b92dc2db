import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What `runtime.json` says of a running platform. */
export interface Runtime {
  readonly gateway: string;
  readonly ingestHttp: string;
  readonly ingestGrpc: string;
  readonly nats: string;
  readonly apiKey: string;
  readonly pids: Readonly<Record<string, number>>;
}

/** Node's arguments that write a CPU profile per process into the folder that `BENCH_PROFILE` names. */
export function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** The whole platform as a user runs it, in processes of its own. */
export interface ProcessPlatform extends AsyncDisposable {
  readonly runtime: Runtime;
  /** As of now: pids change when a process is started again. */
  pids(): Promise<Readonly<Record<string, number>>>;
  /** Calls the REST API. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
}

const CLI = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
const ANY_PORT = [
  'GATEWAY_PORT',
  'INGEST_GRPC_PORT',
  'INGEST_HTTP_PORT',
  'SUBSCRIPTION_GRPC_PORT',
  'QUERY_GRPC_PORT',
  'DELIVERY_GRPC_PORT',
];

/** The whole platform as `npm start -- --no-demo` runs it, on free ports and a folder of its own. */
export async function startProcessPlatform(
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<ProcessPlatform> {
  const dataDir = await mkdtemp(join(tmpdir(), 'grapnel-bench-'));
  await chmod(dataDir, 0o755);
  const ports = Object.fromEntries(ANY_PORT.map((name) => [name, '0']));
  // The services inherit Node's own arguments, which is how all of them are profiled.
  const child = spawn(process.execPath, [...profiling(), CLI, 'up', '--no-demo', '--data-dir', dataDir, ...args], {
    env: { ...process.env, ALLOW_LOCAL_WEBHOOKS: 'true', ...ports, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) if (line.trim() === 'ready') return;
    throw new Error('the platform ended before it was ready');
  })();
  await ready;
  child.stdout.resume();
  const readRuntime = async (): Promise<Runtime> =>
    JSON.parse(await readFile(join(dataDir, 'runtime.json'), 'utf8')) as Runtime;
  const runtime = await readRuntime();
  return {
    runtime,
    pids: async () => (await readRuntime()).pids,
    async api(method, path, body) {
      const response = await fetch(runtime.gateway + path, {
        method,
        headers: {
          authorization: `Bearer ${runtime.apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
