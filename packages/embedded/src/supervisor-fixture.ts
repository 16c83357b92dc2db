import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Another process that runs an embedded server, to be killed in a test. */
export interface Supervisor {
  readonly serverPid: number;
  killHard(): Promise<void>;
}

/** Starts one (this file, as a program) and waits until its server is up. */
export async function spawnSupervisor(kind: 'nats' | 'postgres', folder: string, binary = ''): Promise<Supervisor> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), kind, folder, binary], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.includes('\n')) break;
  }
  const serverPid = Number.parseInt(output, 10);
  if (Number.isNaN(serverPid)) throw new Error(`the supervisor did not start its server: ${output}`);
  return {
    serverPid,
    killHard: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function main([kind, folder = '', binary = '']: readonly string[]): Promise<void> {
  const { startNats } = await import('./nats-server.ts');
  const { startPostgres } = await import('./postgres.ts');
  const server =
    kind === 'nats'
      ? await startNats({ binary, storeDir: folder })
      : await startPostgres({ dataDir: folder, onProgress: () => undefined });
  console.log(server.pid);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
