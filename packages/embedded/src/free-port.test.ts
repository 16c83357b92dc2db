import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { assertPortFree, freePort } from './free-port.ts';

describe('ports', () => {
  it('finds a port that can be bound', async () => {
    const port = await freePort();
    await expect(assertPortFree(port, 'a test')).resolves.toBeUndefined();
  });

  it('says which port is in use, and what for', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await expect(assertPortFree(port, 'NATS')).rejects.toThrow(`Port ${port} for NATS is in use`);
    await new Promise((resolve) => server.close(resolve));
  });
});
