/** Counts open live tails, in all and per tenant: each holds a connection and a gRPC stream. */
export class OpenTails {
  readonly #max: number;
  readonly #maxPerTenant: number;
  readonly #byTenant = new Map<string, number>();
  readonly #stop = new AbortController();
  #open = 0;

  constructor(limits: { readonly max: number; readonly maxPerTenant: number }) {
    this.#max = limits.max;
    this.#maxPerTenant = limits.maxPerTenant;
  }

  /** Aborts when the process stops: tails never end by themselves. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  endAll(): void {
    this.#stop.abort();
  }

  /** `null` when too many are open; else gives the place back, once. */
  enter(tenant: string): (() => void) | null {
    const mine = this.#byTenant.get(tenant) ?? 0;
    if (this.#open >= this.#max || mine >= this.#maxPerTenant) return null;
    this.#open++;
    this.#byTenant.set(tenant, mine + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#open--;
      const rest = (this.#byTenant.get(tenant) ?? 1) - 1;
      if (rest === 0) this.#byTenant.delete(tenant);
      else this.#byTenant.set(tenant, rest);
    };
  }
}
