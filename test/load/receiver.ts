import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ReceiverReport } from './receiver-process.ts';

/** The benchmark's customer, from outside. */
export class LoadReceiver implements AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.pid = child.pid ?? 0;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<LoadReceiver> {
    const child = fork(fileURLToPath(new URL('./receiver-process.ts', import.meta.url)));
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new LoadReceiver(child, port);
  }

  reset(options: { readonly trackIds?: boolean } = {}): void {
    this.#process.send({ reset: true, ...options });
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
