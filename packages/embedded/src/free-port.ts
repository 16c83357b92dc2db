import { createServer } from 'node:net';
import { SetupError } from './setup-error.ts';

/** A loopback port that was free a moment ago. Whoever binds it must be ready to lose the race. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  return bindOnce(host, 0);
}

/** Throws a {@link SetupError} naming the port when something else listens on it. */
export async function assertPortFree(port: number, purpose: string, host = '127.0.0.1'): Promise<void> {
  try {
    await bindOnce(host, port);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') throw new SetupError(portInUse(port, purpose));
    if (code === 'EACCES')
      throw new SetupError(`Port ${port} for ${purpose} needs more rights: choose one above 1023.`);
    throw error;
  }
}

export function portInUse(port: number, purpose: string): string {
  return `Port ${port} for ${purpose} is in use: stop what listens there, or choose another port (0 for any free one).`;
}

function bindOnce(host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen({ host, port, exclusive: true }, () => {
    const address = server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    server.close(() => resolve(bound));
  });
  return promise;
}
