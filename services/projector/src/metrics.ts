import { metrics } from '@opentelemetry/api';
import type { Written } from './ports.ts';

/** What the projection reports about itself. Disposing it stops the gauges. */
export class ProjectionMetrics implements Disposable {
  readonly #meter = metrics.getMeter('grapnel');
  readonly #messages = this.#meter.createCounter('grapnel.projection.messages', {
    description: 'Messages taken into the read model.',
  });
  readonly #rows = this.#meter.createCounter('grapnel.projection.rows', {
    description: 'Rows inserted or changed, by table.',
  });
  readonly #unreadable = this.#meter.createCounter('grapnel.projection.unreadable', {
    description: 'Messages that cannot be read and were passed over.',
  });
  readonly #size = this.#meter.createHistogram('grapnel.projection.batch.size', {
    description: 'Messages of one transaction.',
  });
  readonly #duration = this.#meter.createHistogram('grapnel.projection.batch.duration', {
    description: 'From the last message of a batch to its commit.',
    unit: 'ms',
  });
  readonly #stops: (() => void)[] = [];
  readonly #lag = new Map<string, number>();
  /** Whether this replica is the one that projects. */
  active = false;

  constructor() {
    this.#gauge('grapnel.projection.active', 'Whether this process projects (1) or stands by (0).', (observe) =>
      observe(this.active ? 1 : 0),
    );
    this.#gauge('grapnel.projection.lag', 'Positions between the checkpoint and the end of the stream.', (observe) => {
      if (this.active) for (const [stream, lag] of this.#lag) observe(lag, { stream });
    });
  }

  batch(stream: string, messages: number, ms: number, written: Written): void {
    this.#messages.add(messages, { stream });
    this.#rows.add(written.deliveries, { table: 'deliveries' });
    this.#rows.add(written.attempts, { table: 'attempts' });
    this.#size.record(messages, { stream });
    this.#duration.record(ms, { stream });
  }

  unreadable(stream: string): void {
    this.#unreadable.add(1, { stream });
  }

  lag(stream: string, positions: number): void {
    this.#lag.set(stream, positions);
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
  }

  #gauge(
    name: string,
    description: string,
    read: (observe: (value: number, attributes?: Record<string, string>) => void) => void,
  ): void {
    const gauge = this.#meter.createObservableGauge(name, { description });
    const report = (result: { observe(value: number, attributes?: Record<string, string>): void }): void =>
      read((value, attributes) => result.observe(value, attributes));
    gauge.addCallback(report);
    this.#stops.push(() => gauge.removeCallback(report));
  }
}
