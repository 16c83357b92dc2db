import { visibleLines } from './visible.ts';

/** The part of a stream that a screen needs; `process.stdout` and `process.stderr` are such. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

const CLEAR_LINE = '\r\u001b[K';

/**
 * What a person sees: answers on standard output, everything else on standard error, and on a terminal one line at the
 * bottom that is updated in place.
 */
export class Screen {
  readonly #out: Output;
  readonly #err: Output;
  #status = '';

  constructor(out: Output, err: Output) {
    this.#out = out;
    this.#err = err;
    // Whoever read us has gone (`… | head`): that is no reason to bring the platform down.
    for (const output of [out, err]) output.on?.('error', () => undefined);
  }

  /** Whether {@link status} shows anything. */
  get live(): boolean {
    return this.#err.isTTY === true;
  }

  /** An answer; standard output. */
  print(line: string): void {
    this.#above(this.#out, line);
  }

  /** Progress or a warning; standard error. */
  say(line: string): void {
    this.#above(this.#err, line);
  }

  /** Replaces the line at the bottom; an empty one takes it away. */
  status(line: string): void {
    const shown = visibleLines(line);
    if (!this.live || shown === this.#status) return;
    this.#status = shown;
    this.#err.write(CLEAR_LINE + this.#fitting());
  }

  #above(output: Output, text: string): void {
    const line = visibleLines(text);
    if (this.#status === '') {
      output.write(`${line}\n`);
      return;
    }
    this.#err.write(CLEAR_LINE);
    output.write(`${line}\n`);
    this.#err.write(this.#fitting());
  }

  /** A wrapped line could not be taken back. */
  #fitting(): string {
    return this.#status.slice(0, Math.max(20, (this.#err.columns ?? 80) - 1));
  }
}
