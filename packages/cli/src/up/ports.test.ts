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
