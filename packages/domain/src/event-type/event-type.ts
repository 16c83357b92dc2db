import { isCatalogued } from '../catalogue.ts';
import type { Json } from '../json.ts';
import { err, ok, type Result, unreachable } from '../result.ts';
import { type Violation, violation } from '../violation.ts';

/** A type of event that operators have registered beside the built-in ones; for all tenants. */
export interface RegisteredType {
  readonly name: string;
  readonly category: string;
  readonly description: string;
  /** JSON Schema (draft 2020-12) of the data, as it was given; `null` takes any data. */
  readonly schema: string | null;
  /** What `data` looks like; `null` for none. */
  readonly example: Json;
  /** Grows with every change, from 1. */
  readonly version: number;
  /** Takes no events any more, and no new subscriptions. */
  readonly archived: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Everything that can happen to a type. Times are milliseconds since the epoch. */
export type EventTypeEvent =
  | { readonly type: 'defined'; readonly at: number; readonly definition: Definition }
  | { readonly type: 'archived'; readonly at: number }
  | { readonly type: 'restored'; readonly at: number };

/** What an operator says of a type. */
export type Definition = Pick<RegisteredType, 'name' | 'category' | 'description' | 'schema' | 'example'>;

export type EventTypeCommand =
  | {
      readonly type: 'define';
      readonly at: number;
      readonly definition: Definition;
      readonly check: (definition: Definition) => readonly Violation[];
    }
  | { readonly type: 'archive'; readonly at: number }
  | { readonly type: 'restore'; readonly at: number };

export type EventTypeRejection =
  | { readonly kind: 'not_found' }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

export const TYPE_LIMITS = {
  nameChars: 128,
  categoryChars: 64,
  descriptionChars: 1_000,
  schemaBytes: 65_536,
  exampleBytes: 65_536,
  types: 1_000,
} as const;

const NAME = /^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$/;

/** Whether a type can have this name, registered or not. */
export const isEventTypeName = (name: string): boolean => name.length <= TYPE_LIMITS.nameChars && NAME.test(name);

/** What happens when `command` meets a type: an event, `null` when nothing changes, or why it is refused. */
export function decide(
  state: RegisteredType | null,
  command: EventTypeCommand,
): Result<EventTypeEvent | null, EventTypeRejection> {
  if (command.type === 'define') {
    const { at, definition, check } = command;
    const violations = [...checkDefinition(definition), ...check(definition)];
    if (violations.length > 0) return err({ kind: 'invalid', violations });
    return ok(state !== null && isSame(state, definition) ? null : { type: 'defined', at, definition });
  }
  if (state === null) return err({ kind: 'not_found' });
  switch (command.type) {
    case 'archive':
      return ok(state.archived ? null : { type: 'archived', at: command.at });
    case 'restore':
      return ok(state.archived ? { type: 'restored', at: command.at } : null);
    default:
      return unreachable(command);
  }
}

/** The state after `event`. Events that do not fit the state are bugs of the decider, and throw. */
export function evolve(state: RegisteredType | null, event: EventTypeEvent): RegisteredType {
  const version = (state?.version ?? 0) + 1;
  const updatedAt = event.at;
  if (event.type === 'defined') {
    const { createdAt = event.at, archived = false } = state ?? {};
    return { ...event.definition, version, archived, createdAt, updatedAt };
  }
  if (state === null) throw new Error(`${event.type} needs a type`);
  switch (event.type) {
    case 'archived':
      return { ...state, archived: true, version, updatedAt };
    case 'restored':
      return { ...state, archived: false, version, updatedAt };
    default:
      return unreachable(event);
  }
}

/** Names hold dots and no hyphens, ids in subjects the other way round. */
export const eventTypeIdOf = (name: string): string => name.replaceAll('.', '-');

function checkDefinition({ name, category, description, schema, example }: Definition): Violation[] {
  const wrong: Violation[] = [];
  const { nameChars, categoryChars, descriptionChars, schemaBytes, exampleBytes } = TYPE_LIMITS;
  if (!isEventTypeName(name)) {
    const allowed = `must be letters, digits and _ in two or more parts with dots between, e.g. invoice.paid, at most ${nameChars} characters`;
    wrong.push(violation('name', 'INVALID_VALUE', allowed));
  } else if (isCatalogued(name)) {
    wrong.push(violation('name', 'INVALID_VALUE', `must not be ${name}, which is a built-in type`));
  }
  if (category === '' || category.length > categoryChars || /\p{Cc}/u.test(category)) {
    wrong.push(
      violation('category', 'INVALID_VALUE', `must be 1 to ${categoryChars} characters without control characters`),
    );
  } else if (category === 'operational') {
    wrong.push(violation('category', 'INVALID_VALUE', 'must not be operational, which is for the platform itself'));
  }
  if (description.length > descriptionChars) {
    wrong.push(violation('description', 'TOO_LONG', `must be at most ${descriptionChars} characters`));
  }
  if (schema !== null && Buffer.byteLength(schema) > schemaBytes) {
    wrong.push(violation('schema', 'TOO_LARGE', `must be at most ${schemaBytes} bytes of JSON`));
  }
  if (Buffer.byteLength(JSON.stringify(example)) > exampleBytes) {
    wrong.push(violation('example', 'TOO_LARGE', `must be at most ${exampleBytes} bytes of JSON`));
  }
  return wrong;
}

const isSame = (a: Definition, b: Definition): boolean =>
  a.category === b.category &&
  a.description === b.description &&
  a.schema === b.schema &&
  JSON.stringify(a.example) === JSON.stringify(b.example);
