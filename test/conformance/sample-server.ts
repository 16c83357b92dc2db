import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '@grapnel/embedded/free-port';
import { eventually } from '@grapnel/testkit/eventually';
import type { SignedRequest } from './signed-request.ts';

/** A customer's receiver in a process of its own. */
export interface SampleServer extends AsyncDisposable {
  post(path: string, request: SignedRequest): Promise<{ readonly status: number; readonly text: string }>;
  /** What it has printed, as far as it has arrived: that may be after the answer. */
  output(): string;
}

/** Starts a program that listens on the port in `PORT`, and waits until it does. */
export async function startSample(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<SampleServer> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(program, args, env);
    } catch (error) {
      // Somebody else may have taken the port in between.
      if (tries === 3) throw error;
    }
  }
}

async function startOnce(program: string, args: readonly string[], env: Record<string, string>): Promise<SampleServer> {
  const port = await freePort();
  const child = spawn(program, args, {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await eventually(
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) return true;
        return accepts(port);
      },
      { timeoutMs: 60_000 },
    );
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the sample ended: ${output}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async post(path, { headers, body }) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
      return { status: response.status, text: await response.text() };
    },
    output: () => output,
    [Symbol.asyncDispose]: stop,
  };
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ port, host: '127.0.0.1' });
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
