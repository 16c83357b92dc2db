import type { DeliveryState } from './delivery-state.ts';

/** Deliveries whose outcomes were written lately. Forgetting one is harmless. */
export class WrittenLately {
  readonly #max: number;
  #newer = new Set<string>();
  #older = new Set<string>();

  constructor(max = 50_000) {
    this.#max = max;
  }

  /** Call it after the commit. */
  remember(states: readonly DeliveryState[]): void {
    for (const state of states) if (!isPending(state)) this.#newer.add(state.delivery.id);
    if (this.#newer.size < this.#max) return;
    this.#older = this.#newer;
    this.#newer = new Set();
  }

  /** Without the pending states of deliveries that are past it. */
  without(states: readonly DeliveryState[]): readonly DeliveryState[] {
    return states.filter((state) => !isPending(state) || !this.#has(state.delivery.id));
  }

  #has(id: string): boolean {
    return this.#newer.has(id) || this.#older.has(id);
  }
}

const isPending = ({ standing, lastAttempt }: DeliveryState): boolean =>
  lastAttempt === null && standing.version.every((part) => part === 0);
