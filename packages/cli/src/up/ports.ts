import { createServer, type Server } from 'node:net';
import { SetupError } from '@grapnel/embedded/setup-error';

/** The ports of a platform that others are told: which variable sets one, and what it is without. */
export const PORTS = {
  gateway: { variable: 'GATEWAY_PORT', usual: 8080, purpose: 'the REST API' },
  ingestGrpc: { variable: 'INGEST_GRPC_PORT', usual: 8081, purpose: 'publishing over gRPC' },
  ingestHttp: { variable: 'INGEST_HTTP_PORT', usual: 8082, purpose: 'publishing over HTTP' },
  subscriptionGrpc: { variable: 'SUBSCRIPTION_GRPC_PORT', usual: 8083, purpose: 'the subscription service' },
  queryGrpc: { variable: 'QUERY_GRPC_PORT', usual: 8084, purpose: 'the delivery history' },
  deliveryGrpc: { variable: 'DELIVERY_GRPC_PORT', usual: 8085, purpose: 'the dispatcher' },
} as const;

export type PortName = keyof typeof PORTS;
export type Ports = Readonly<Record<PortName, number>>;

export const PORT_NAMES = Object.keys(PORTS) as PortName[];

/**
 * Checks that every wanted port is free and finds one for every 0. All are held at the same time, so that no two are the
 * same; then they are let go for the services, which have to know each other's before they start.
 * @throws SetupError naming every port that cannot be used, and its variable
 */
export async function choosePorts(wanted: Ports, host: string): Promise<Ports> {
  const held: Server[] = [];
  const chosen: Partial<Record<PortName, number>> = {};
  const problems: string[] = [];
  try {
    // The given ones first: a free one must not happen to be one of these.
    for (const name of PORT_NAMES.toSorted((a, b) => wanted[b] - wanted[a])) {
      const server = createServer();
      try {
        chosen[name] = await listen(server, wanted[name], host);
        held.push(server);
      } catch (error) {
        problems.push(sentence(error as NodeJS.ErrnoException, name, wanted[name]));
      }
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
  if (problems.length > 0) throw new SetupError(problems.join('\n'));
  return chosen as Ports;
}

function listen(server: Server, port: number, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen({ host, port, exclusive: true }, () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : port);
  });
  return promise;
}

function sentence(error: NodeJS.ErrnoException, name: PortName, port: number): string {
  const { purpose, variable } = PORTS[name];
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} for ${purpose} is in use: stop what listens there, or set ${variable} to another (0 takes a free one).`;
    case 'EACCES':
      return `Port ${port} for ${purpose} needs more rights: set ${variable} to one above 1023.`;
    default:
      return `Port ${port} for ${purpose} (${variable}) cannot be used: ${error.message}.`;
  }
}
