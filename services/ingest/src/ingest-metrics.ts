import type { EventTypes } from '@grapnel/domain/event-type/event-types';
import { type BatchObservableCallback, metrics } from '@opentelemetry/api';
import type { Admission } from './admission.ts';

export type EventResult = 'accepted' | 'duplicate' | 'invalid' | 'busy' | 'unavailable' | 'refused';

/**
 * Counts events by type and result. Counting is two map look-ups; the meter reads the counts when it is asked, because
 * its own counter hashes the attributes at each event.
 */
export class IngestMetrics implements Disposable {
  readonly #counts = new Map<string, Map<EventResult, number>>();
  readonly #duration;
  readonly #unregister: () => void;
  readonly #types: EventTypes;

  /** Make it after telemetry has started: a meter made before stays silent. */
  constructor(admission: Admission, types: EventTypes) {
    this.#types = types;
    const meter = metrics.getMeter('grapnel');
    this.#duration = meter.createHistogram('grapnel.ingest.accept.duration', {
      description: 'Time from an event read to its being stored.',
      unit: 'ms',
    });
    const events = meter.createObservableCounter('grapnel.ingest.events', {
      description: 'Events handed in, by type and what became of them.',
    });
    const outstanding = meter.createObservableGauge('grapnel.ingest.outstanding', {
      description: 'Events read and not yet stored.',
    });
    const bytes = meter.createObservableGauge('grapnel.ingest.outstanding.bytes', {
      description: 'Their data.',
      unit: 'By',
    });
    const observed = [events, outstanding, bytes];
    const observe: BatchObservableCallback = (into) => {
      into.observe(outstanding, admission.events);
      into.observe(bytes, admission.bytes);
      for (const [type, results] of this.#counts) {
        for (const [result, count] of results) into.observe(events, count, { type, result });
      }
    };
    meter.addBatchObservableCallback(observe, observed);
    this.#unregister = () => meter.removeBatchObservableCallback(observe, observed);
  }

  count(type: string, result: EventResult): void {
    // What producers invent must not become a time series each.
    const known = this.#types.has(type) ? type : 'unknown';
    let results = this.#counts.get(known);
    if (results === undefined) {
      results = new Map();
      this.#counts.set(known, results);
    }
    results.set(result, (results.get(result) ?? 0) + 1);
  }

  took(ms: number): void {
    this.#duration.record(ms);
  }

  [Symbol.dispose](): void {
    this.#unregister();
  }
}
