import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { choosePorts, PORT_NAMES, type Ports } from './ports.ts';

const wanted = (port: number): Ports => Object.fromEntries(PORT_NAMES.map((name) => [name, port])) as unknown as Ports;

describe('ports', () => {
  it('finds a different one for every 0', async () => {
    const ports = await choosePorts(wanted(0), '127.0.0.1');
    expect(new Set(Object.values(ports)).size).toBe(PORT_NAMES.length);
    expect(Object.values(ports)).not.toContain(0);
  });

  it('names every port that is in use at once', async () => {
    const servers = [createServer(), createServer()];
    const taken = await Promise.all(
      servers.map(async (server) => {
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        return (server.address() as { port: number }).port;
      }),
    );
    const [gateway = 0, ingestGrpc = 0] = taken;
    const refusal = await choosePorts({ ...wanted(0), gateway, ingestGrpc }, '127.0.0.1').catch(String);
    for (const variable of ['GATEWAY_PORT', 'INGEST_GRPC_PORT']) expect(refusal).toContain(variable);
    for (const port of taken) expect(refusal).toContain(`Port ${port} `);
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it('says which is in use, and which variable sets it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const choosing = choosePorts({ ...wanted(0), ingestHttp: port }, '127.0.0.1');
    await expect(choosing).rejects.toThrow(
      `Port ${port} for publishing over HTTP is in use: stop what listens there, or set INGEST_HTTP_PORT to another (0 takes a free one).`,
    );
    await new Promise((resolve) => server.close(resolve));
  });
});
