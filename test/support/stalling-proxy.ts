import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that can keep what clients say to itself, while what the server says still gets through, or cut them off. */
export class StallingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<Socket>();
  #isCut = false;

  private constructor(target: URL) {
    this.#server = createServer((client) => {
      if (this.#isCut) return void client.destroy();
      const server = connect(Number(target.port), target.hostname);
      client.pipe(server);
      server.pipe(client);
      this.#clients.add(client);
      for (const [socket, other] of [[client, server] as const, [server, client] as const]) {
        this.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => this.#sockets.delete(socket));
      }
    });
  }

  static async start(target: string): Promise<StallingProxy> {
    const proxy = new StallingProxy(new URL(target));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The target's, with this proxy's address in it. */
  url(target: string): string {
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  stall(): void {
    for (const client of this.#clients) client.pause();
  }

  /** Ends all connections, and every new one. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  resume(): void {
    this.#isCut = false;
    for (const client of this.#clients) client.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
