const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
type Level = (typeof LEVELS)[number];

/** A line of a service's log, for people. */
export interface LogLine {
  /** `null` for what is not a log entry: a crash's stack, a runtime's warning. */
  readonly level: Level | null;
  readonly text: string;
}

const MAX_TEXT = 300;
const MAX_CAUSE = 90;
/** Deprecations, and what surrounds the message of a crash: for those who work on the service. */
const NODE_REMARK =
  /^\(node:\d+\)|^\(Use `node --trace|^\s*at |^node:internal|^file:|^Node\.js v|^\s*triggerUncaught|^[^a-z]*$/i;

/** Reads one line of JSON as the services write it. */
export function parseLogLine(line: string): LogLine {
  const entry = asObject(line);
  const level = LEVELS.find((name) => name === entry?.['level']);
  if (entry === null || level === undefined) {
    return { level: NODE_REMARK.test(line) ? 'info' : null, text: shortened(line, MAX_TEXT) };
  }
  const message = typeof entry['msg'] === 'string' ? entry['msg'] : '';
  const cause = shortened(causeOf(entry), MAX_CAUSE);
  // A failure often says in its message what its cause begins with.
  const text = message.includes(cause.split(': ')[0] ?? '') ? message : `${message} (${cause})`;
  return { level, text: shortened(text, MAX_TEXT) };
}

/**
 * Whether the person in front of the terminal should see it without having asked for everything. While the platform
 * starts or stops, services miss those that are not there yet, or any more, which is no news.
 */
export function isTrouble({ level }: LogLine, unsettled: boolean): boolean {
  return level === null || (level === 'warn' && !unsettled) || level === 'error' || level === 'fatal';
}

/** `warn dispatcher: text` */
export function formatLogLine(service: string, { level, text }: LogLine): string {
  return `${(level ?? 'out').padEnd(5)} ${service}: ${text}`;
}

function causeOf(entry: Record<string, unknown>): string {
  const error = entry['err'];
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  if (typeof entry['status'] === 'string') return entry['status'];
  if (typeof entry['reason'] === 'string') return entry['reason'];
  if (typeof entry['addresses'] === 'object' && entry['addresses'] !== null) {
    return Object.values(entry['addresses']).join(', ');
  }
  return '';
}

function asObject(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function shortened(text: string, max: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}
