/** Where variables come from; `process.env` in a service's config, a plain object in tests. */
export type EnvSource = Readonly<Record<string, string | undefined>>;

/** Every wrong variable of a start, in one error: which, what it had, what it may be. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`wrong configuration:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Reads variables one by one and remembers what was wrong; {@link EnvReader.done} throws it all at once.
 * A variable that is set but empty counts as not set.
 */
export class EnvReader {
  readonly #source: EnvSource;
  readonly #problems: string[] = [];

  constructor(source: EnvSource) {
    this.#source = source;
  }

  text(name: string, fallback?: string): string {
    const value = this.#raw(name) ?? fallback;
    if (value !== undefined) return value;
    this.#problems.push(`${name} is required`);
    return '';
  }

  optional(name: string): string | null {
    return this.#raw(name) ?? null;
  }

  integer(name: string, fallback: number, range: { readonly min: number; readonly max: number }): number {
    return this.#number(name, fallback, range, true);
  }

  number(name: string, fallback: number, range: { readonly min: number; readonly max: number }): number {
    return this.#number(name, fallback, range, false);
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.#raw(name)?.toLowerCase();
    if (value === undefined) return fallback;
    if (['true', '1', 'yes', 'on'].includes(value)) return true;
    if (['false', '0', 'no', 'off'].includes(value)) return false;
    this.#problems.push(`${name} is "${value}"; it may be true or false`);
    return fallback;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.#raw(name);
    if (value === undefined) return fallback;
    if ((allowed as readonly string[]).includes(value)) return value as T;
    this.#problems.push(`${name} is "${value}"; it may be ${allowed.join(', ')}`);
    return fallback;
  }

  /** A value that must never be shown; `minChars` guards against placeholders. */
  secret(name: string, minChars = 16): string {
    const value = this.#raw(name);
    if (value !== undefined && value.length >= minChars) return value;
    this.#problems.push(
      value === undefined ? `${name} is required` : `${name} is too short; it needs ${minChars} characters`,
    );
    return '';
  }

  /** Reports a problem found by the caller's own check. */
  problem(text: string): void {
    this.#problems.push(text);
  }

  /** @throws ConfigError when anything was wrong. */
  done(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
  }

  #raw(name: string): string | undefined {
    const value = this.#source[name]?.trim();
    return value === '' ? undefined : value;
  }

  #number(name: string, fallback: number, { min, max }: { min: number; max: number }, whole: boolean): number {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    const value = Number(raw);
    if (Number.isFinite(value) && value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    this.#problems.push(`${name} is "${raw}"; it may be a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
    return fallback;
  }
}
