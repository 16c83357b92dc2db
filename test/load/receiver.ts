import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ports, ReceiverCommand, ReceiverReport } from './receiver-process.ts';

/** The benchmark's customers, from outside. */
export class LoadReceiver implements AsyncDisposable {
  readonly url: string;
  /** The same, on a port that can be shut. */
  readonly secondUrl: string;
  /** The same over TLS, with a certificate of an authority that nobody knows. */
  readonly untrustedUrl: string;
  readonly pid: number;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, [port, second, untrusted]: Ports) {
    this.#process = child;
    this.pid = child.pid ?? 0;
    this.url = `http://127.0.0.1:${port}`;
    this.secondUrl = `http://127.0.0.1:${second}`;
    this.untrustedUrl = `https://127.0.0.1:${untrusted}`;
  }

  static async start(): Promise<LoadReceiver> {
    const child = fork(fileURLToPath(new URL('./receiver-process.ts', import.meta.url)));
    const [{ ports }] = (await once(child, 'message')) as [{ ports: Ports }];
    return new LoadReceiver(child, ports);
  }

  tell(command: Omit<ReceiverCommand, 'report'>): void {
    this.#process.send(command);
  }

  reset(): void {
    this.tell({ reset: true });
  }

  async report(): Promise<ReceiverReport> {
    this.#process.send({ report: true });
    const [{ report }] = (await once(this.#process, 'message')) as [{ report: ReceiverReport }];
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.disconnect();
    await once(this.#process, 'exit');
  }
}
