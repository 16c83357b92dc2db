/** Values in buckets that grow by 2 %: quantiles to that precision in constant memory. */
export class Histogram {
  static readonly #growth = Math.log(1.02);
  readonly #buckets = new Map<number, number>();
  #count = 0;

  record(value: number): void {
    const bucket = Math.ceil(Math.log(Math.max(value, 0.001)) / Histogram.#growth);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count++;
  }

  /** 0 when nothing was recorded. */
  quantile(q: number): number {
    let left = q * this.#count;
    for (const [bucket, count] of [...this.#buckets].toSorted(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Math.exp(bucket * Histogram.#growth);
    }
    return 0;
  }

  clear(): void {
    this.#buckets.clear();
    this.#count = 0;
  }
}
