/** Why a service is not ready; `null` when this part of it is. */
export type ReadinessCheck = () => string | null;

/** Collects what must be in place before a service should get work. */
export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();
  #stopping = false;

  add(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  /** From now on the service is not ready, so that load balancers look elsewhere while it finishes. */
  beginStop(): void {
    this.#stopping = true;
  }

  /** Name → reason of every part that is not ready; empty when all are. */
  problems(): Record<string, string> {
    const problems: Record<string, string> = {};
    if (this.#stopping) problems['process'] = 'stopping';
    for (const [name, check] of this.#checks) {
      const reason = check();
      if (reason !== null) problems[name] = reason;
    }
    return problems;
  }
}
