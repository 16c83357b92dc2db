import { type Counter, type Histogram, type Meter, type MetricOptions, metrics } from '@opentelemetry/api';

/** The meter of everything; ask for it when something happens, never while modules load. */
export const meter = (): Meter => metrics.getMeter('grapnel');

/** A counter that modules may declare at their top: it is made when it first counts, after telemetry has started. */
export function counter(name: string, options: MetricOptions): Pick<Counter, 'add'> {
  let made: Counter | undefined;
  return {
    add(value, attributes) {
      made ??= meter().createCounter(name, options);
      made.add(value, attributes);
    },
  };
}

/** As {@link counter}, for distributions. */
export function histogram(name: string, options: MetricOptions): Pick<Histogram, 'record'> {
  let made: Histogram | undefined;
  return {
    record(value, attributes) {
      made ??= meter().createHistogram(name, options);
      made.record(value, attributes);
    },
  };
}
