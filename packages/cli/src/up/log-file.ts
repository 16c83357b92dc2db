import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '@grapnel/runtime/clock';

const ROTATE_AT_BYTES = 10 * 1_048_576;
const LOOK_EVERY_MS = 200;
const READ_BYTES = 64 * 1_024;
/** A longer line without an end is given out in pieces. */
const MAX_LINE = 256 * 1_024;

/**
 * The log of one service. The service writes into the file itself, so that it can write when its supervisor is slow, or
 * gone; the supervisor reads along.
 */
export class LogFile {
  readonly path: string;
  readonly #stop = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  /** Sets a file that has grown large aside as `….1`. */
  constructor(path: string) {
    this.path = path;
    if (this.size > ROTATE_AT_BYTES) {
      rmSync(`${path}.1`, { force: true });
      renameSync(path, `${path}.1`);
    }
  }

  /** A descriptor for a child's standard output and error; close it once the child has it. */
  openForChild(): number {
    return openSync(this.path, 'a', 0o600);
  }

  get size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The lines after a position, the last of them when there are many. */
  since(position: number): string[] {
    const text = readFileSync(this.path).subarray(position).subarray(-READ_BYTES).toString('utf8');
    return text.split('\n').filter((line) => line.trim() !== '');
  }

  /** Gives every line that is written from now on to `onLine`. */
  follow(clock: Clock, onLine: (line: string) => void): void {
    closeSync(this.openForChild());
    this.#reading = this.#follow(this.size, clock, onLine);
  }

  /** Reads what is there and ends. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #follow(from: number, clock: Clock, onLine: (line: string) => void): Promise<void> {
    const file = await open(this.path, 'r');
    const { signal } = this.#stop;
    const tail = { position: from, rest: '', decoder: new StringDecoder('utf8') };
    try {
      while (!signal.aborted) {
        await readOn(file, tail, onLine);
        await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      }
      await readOn(file, tail, onLine);
      if (tail.rest !== '') onLine(tail.rest);
    } finally {
      await file.close();
    }
  }
}

async function readOn(
  file: FileHandle,
  tail: { position: number; rest: string; readonly decoder: StringDecoder },
  onLine: (line: string) => void,
): Promise<void> {
  const buffer = Buffer.alloc(READ_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, tail.position);
    if (bytesRead === 0) return;
    tail.position += bytesRead;
    const lines = (tail.rest + tail.decoder.write(buffer.subarray(0, bytesRead))).split('\n');
    tail.rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') onLine(line);
    if (tail.rest.length > MAX_LINE) {
      onLine(tail.rest);
      tail.rest = '';
    }
  }
}
