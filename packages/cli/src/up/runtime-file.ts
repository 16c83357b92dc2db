import { rm } from 'node:fs/promises';
import type { DataDir } from './data-dir.ts';
import { readJson, writePrivateJson } from './private-file.ts';

/** `runtime.json`: how to reach a running platform. Other programs rely on these names. */
export interface Runtime {
  readonly gateway: string;
  readonly ingestGrpc: string;
  readonly ingestHttp: string;
  readonly subscriptionGrpc: string;
  readonly queryGrpc: string;
  readonly deliveryGrpc: string;
  readonly nats: string;
  readonly postgres: string;
  readonly apiKey: string;
  readonly serviceToken: string;
  /** By service; nats and postgres too when they are embedded. */
  readonly pids: Readonly<Record<string, number>>;
  /** Where each service answers `/healthz`, `/readyz` and `/metrics`. */
  readonly ops: Readonly<Record<string, string>>;
}

/** Writes the file again whenever something changes, one writing after the other. */
export class RuntimeFile {
  readonly #dir: DataDir;
  #writing: Promise<void> = Promise.resolve();
  #gone = false;

  constructor(dir: DataDir) {
    this.#dir = dir;
  }

  write(runtime: Runtime): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(() => (this.#gone ? undefined : writePrivateJson(this.#dir.runtimeFile, runtime)));
    return this.#writing;
  }

  /** Nothing runs any more; later writes do nothing. */
  async remove(): Promise<void> {
    this.#gone = true;
    await this.#writing.catch(() => undefined);
    await rm(this.#dir.runtimeFile, { force: true });
  }
}

/** What the directory's platform said when it was last up; `undefined` when it was stopped in order. */
export async function readRuntime(dir: DataDir): Promise<Runtime | undefined> {
  return (await readJson(dir.runtimeFile)) as Runtime | undefined;
}
