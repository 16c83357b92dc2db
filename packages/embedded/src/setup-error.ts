/** Something the person at the keyboard can put right; the message is the one sentence to show. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** Receives one short line per step of a set-up. */
export type OnProgress = (message: string) => void;
