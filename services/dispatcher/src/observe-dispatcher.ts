import { meter } from '@grapnel/runtime/instruments';
import type { EndpointDirectory } from './endpoint/directory.ts';
import type { Gates } from './endpoint/gates.ts';
import type { Partitions } from './partitions.ts';
import type { InFlight } from './turn/in-flight.ts';
import type { WorkInProgress } from './turn/work-in-progress.ts';

export interface Observed {
  readonly gates: Gates;
  readonly inFlight: InFlight;
  readonly workInProgress: WorkInProgress;
  readonly partitions: Partitions;
  readonly endpoints: EndpointDirectory;
}

/** Gauges of what the dispatcher holds at the moment; disposing it stops reporting. */
export function observeDispatcher({ gates, inFlight, workInProgress, partitions, endpoints }: Observed): Disposable {
  const made = meter();
  const gauges = [
    ['grapnel.dispatcher.attempts.under_way', 'Attempts whose answer is awaited.', () => gates.underWay],
    ['grapnel.dispatcher.deliveries.queued', 'Deliveries in the short queues of their endpoints.', () => gates.queued],
    ['grapnel.dispatcher.endpoints.left_alone', 'Endpoints whose circuit is not closed.', () => gates.notClosed],
    ['grapnel.dispatcher.gates', 'Endpoints that something was sent to lately.', () => gates.size],
    ['grapnel.dispatcher.messages.in_flight', 'Messages taken and not yet acknowledged.', () => inFlight.size],
    ['grapnel.dispatcher.turns.limit', 'Turns that may be taken at once.', () => workInProgress.limit],
    ['grapnel.dispatcher.turns.waiting', 'Turns that wait for their beginning.', () => workInProgress.waiting],
    ['grapnel.dispatcher.partitions.owned', 'Partitions this process works on.', () => partitions.owned],
    ['grapnel.dispatcher.endpoints', 'Endpoints in the directory.', () => endpoints.size],
  ] as const;
  const stops = gauges.map(([name, description, read]) => {
    const gauge = made.createObservableGauge(name, { description });
    const report = (result: { observe(value: number): void }): void => result.observe(read());
    gauge.addCallback(report);
    return () => gauge.removeCallback(report);
  });
  return { [Symbol.dispose]: () => stops.forEach((stop) => stop()) };
}
