/** What a command could not do, in the one sentence that the person at the keyboard sees. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** One line for people, whatever was thrown. */
export function sentenceOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text === '' ? 'It failed without saying why.' : text;
}
