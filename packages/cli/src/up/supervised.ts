import { SetupError } from '@grapnel/embedded/setup-error';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import { sentenceOf } from '../command-error.ts';

/** A process of ours, from its start to its end. */
export interface Running {
  readonly pid: number;
  /** Rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Says how it ended, e.g. `killed by SIGKILL`. */
  readonly exited: Promise<string>;
  /** In order, within a bounded time; resolves when it is gone. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
}

export interface SupervisedOptions {
  readonly name: string;
  /** Starts it; called again, for the same ports, whenever it has ended. */
  readonly launch: () => Promise<Running>;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  /** It has another process id, or has become ready. */
  readonly onChange: () => void;
}

/** A start that fails so often in a row is given up; a restart never is. */
const FIRST_START_TRIES = 3;
/** Whoever lasted so long begins with short pauses again. */
const STABLE_AFTER_MS = 10_000;

/** Keeps one process running until it is told to stop. */
export class Supervised {
  readonly name: string;
  readonly #options: SupervisedOptions;
  readonly #stop = new AbortController();
  readonly #started = Promise.withResolvers<void>();
  #running: Running | null = null;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
    this.#started.promise.catch(() => undefined);
  }

  /** Of the process that runs now. */
  get pid(): number | null {
    return this.#running?.pid ?? null;
  }

  /** Resolves when it is ready for the first time; rejects when it cannot be started, or is stopped before. */
  start(): Promise<void> {
    this.#loop = this.#keepRunning();
    return this.#started.promise;
  }

  /** Resolves when its process is gone and stays so. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#started.reject(new Error(`${this.name} was stopped`));
    await this.#running?.stop();
    await this.#loop;
  }

  kill(): void {
    this.#stop.abort();
    this.#running?.kill();
  }

  async #keepRunning(): Promise<void> {
    const { clock, say } = this.#options;
    const { signal } = this.#stop;
    const backoff = new Backoff(clock, { firstMs: 100, maxMs: 5_000 });
    let everReady = false;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        const how = await this.#runOnce(() => {
          if (everReady) say(`${this.name} is back`);
          everReady = true;
          this.#started.resolve();
        }, backoff);
        if (!signal.aborted) say(`${this.name} ended (${how}); starting it again`);
      } catch (error) {
        if (signal.aborted) return;
        if (!everReady && (error instanceof SetupError || tries >= FIRST_START_TRIES)) {
          this.#started.reject(error);
          return;
        }
        say(`${this.name} could not be started (${sentenceOf(error)}); trying again`);
      }
      await backoff.wait(signal).catch(() => undefined);
    }
  }

  async #runOnce(onReady: () => void, backoff: Backoff): Promise<string> {
    const { clock, launch, onChange } = this.#options;
    const running = await launch();
    running.ready.catch(() => undefined);
    this.#running = running;
    // Stopped while it was being launched: nobody knew of it yet.
    if (this.#stop.signal.aborted) await running.stop();
    onChange();
    try {
      await running.ready;
      const since = clock.monotonic();
      onReady();
      onChange();
      const how = await running.exited;
      if (clock.monotonic() - since >= STABLE_AFTER_MS) backoff.reset();
      return how;
    } finally {
      this.#running = null;
    }
  }
}
