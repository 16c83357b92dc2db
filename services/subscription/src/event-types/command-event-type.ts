import {
  type Definition,
  decide,
  type EventTypeCommand,
  type EventTypeRejection,
  eventTypeIdOf,
  evolve,
  type RegisteredType,
} from '@grapnel/domain/event-type/event-type';
import { DEPLOYMENT } from '@grapnel/domain/ids';
import { err, ok, type Result } from '@grapnel/domain/result';
import { type Violation, violation } from '@grapnel/domain/violation';
import { compileDataSchema } from '@grapnel/event-schema/data-schema';
import { decideRecord, type RecordContext, type Records } from '../records.ts';

export interface EventTypeRecords extends RecordContext {
  readonly types: Records<RegisteredType>;
}

/**
 * Decides an operator's command on a type and stores what happened.
 * @throws StoreUnavailable
 */
export async function commandEventType(
  context: EventTypeRecords,
  name: string,
  command: EventTypeCommand,
): Promise<Result<RegisteredType, EventTypeRejection | { readonly kind: 'contended' }>> {
  const { types } = context;
  const id = eventTypeIdOf(name);
  const done = await decideRecord(context, types, DEPLOYMENT, id, (type) => decide(type, command), evolve);
  if (!done.ok) return done;
  return done.value === null ? err({ kind: 'not_found' }) : ok(done.value.state);
}

/** Whether the schema can be used, and takes the example that stands beside it. */
export function checkSchema({ schema, example }: Definition): Violation[] {
  if (schema === null) return [];
  const compiled = compileDataSchema(schema);
  if (!compiled.ok) return [violation('schema', 'INVALID_VALUE', compiled.error)];
  const wrong = example === null ? null : compiled.value.violation(example, 'example');
  return wrong === null ? [] : [wrong];
}
