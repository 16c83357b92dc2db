import {
  EventTypeService,
  type RegisteredEventType,
  type WatchEventTypesResponse,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/event_type_pb';
import { BUILT_IN, familiesOf } from '@grapnel/domain/catalogue';
import type { Json } from '@grapnel/domain/json';
import type { Violation } from '@grapnel/domain/violation';
import { compileDataSchema, type DataSchema } from '@grapnel/event-schema/data-schema';
import type { Channel } from '@grapnel/rpc/client';
import { keepWatching } from '@grapnel/rpc/keep-watching';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { PublishableTypes } from '../ports.ts';

interface Known {
  readonly version: number;
  readonly archived: boolean;
  /** `null` takes any data. */
  readonly schema: DataSchema | null;
}

const decoder = new TextDecoder();

/**
 * The built-in types and those that operators have registered, kept by a watch on the subscription service; goes on with
 * what it knows while that is away. Before the first answer only the built-in types are known.
 */
export class EventTypeDirectory implements PublishableTypes, Disposable {
  readonly #registered = new Map<string, Known>();
  readonly #stop = new AbortController();
  readonly #logger: Logger;
  #complete = false;

  constructor(subscription: Channel, clock: Clock, logger: Logger) {
    this.#logger = logger;
    const { signal } = this.#stop;
    const directory = subscription.client(EventTypeService);
    const open = () => directory.watchEventTypes({}, { signal });
    void keepWatching({ what: 'event types', open, take: (message) => this.#take(message) }, clock, logger, signal);
  }

  has(type: string): boolean {
    return BUILT_IN.has(type) || this.#registered.get(type)?.archived === false;
  }

  isArchived(type: string): boolean {
    return !this.has(type) && this.#registered.has(type);
  }

  hasFamily(family: string): boolean {
    return BUILT_IN.hasFamily(family) || [...this.#registered.keys()].some((name) => familiesOf(name).includes(family));
  }

  violation(type: string, data: Uint8Array, field: string): Violation | null {
    const schema = this.#registered.get(type)?.schema ?? null;
    return schema === null ? null : schema.violation(JSON.parse(decoder.decode(data)) as Json, field);
  }

  problem(): string | null {
    return this.#complete ? null : 'event types are not loaded yet';
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #take({ change }: WatchEventTypesResponse): void {
    if (change.case === 'snapshotDone') this.#complete = true;
    if (change.case === 'changed') this.#put(change.value);
  }

  #put({ name, version, archived, schema }: RegisteredEventType): void {
    // A replica that lags must not bring back what is over.
    if ((this.#registered.get(name)?.version ?? 0) > version) return;
    this.#registered.set(name, { version, archived, schema: this.#compiled(name, schema) });
  }

  /** Checked when it was registered; one that this version cannot use is left out rather than stop all events. */
  #compiled(name: string, text: string): DataSchema | null {
    if (text === '') return null;
    const compiled = compileDataSchema(text);
    if (compiled.ok) return compiled.value;
    this.#logger.error({ type: name, problem: compiled.error }, 'the schema of an event type cannot be used');
    return null;
  }
}
