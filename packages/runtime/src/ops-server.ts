import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readiness } from './health.ts';
import type { Telemetry } from './telemetry.ts';

export interface OpsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly readiness: Readiness;
  readonly telemetry: Telemetry | null;
}

export interface OpsServer extends AsyncDisposable {
  readonly url: string;
}

/** `/healthz` (the process lives), `/readyz` (it can work, or why not) and `/metrics`, apart from the service's own port. */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', options).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await listen(server, options.port, options.host);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What one of the three paths answers; services with an HTTP port of their own serve the same there. */
export async function answer(
  url: string,
  { readiness, telemetry }: Pick<OpsServerOptions, 'readiness' | 'telemetry'>,
): Promise<{ status: number; type: string; body: string }> {
  switch (url.split('?')[0]) {
    case '/healthz':
      return json(200, { status: 'ok' });
    case '/readyz': {
      const problems = readiness.problems();
      const ready = Object.keys(problems).length === 0;
      return json(ready ? 200 : 503, ready ? { status: 'ready' } : { status: 'not ready', problems });
    }
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4', body: (await telemetry?.prometheus()) ?? '' };
    default:
      return json(404, { error: 'try /healthz, /readyz or /metrics' });
  }
}

function json(status: number, body: unknown): { status: number; type: string; body: string } {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

/** Listens, or rejects with one sentence that names the port. */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} on ${host} is in use`, { cause: error }) : error);
    });
    server.listen(port, host, () => resolve());
  });
}
