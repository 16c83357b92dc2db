import type { Event } from '../event/event.ts';
import { isJsonObject, type Json } from '../json.ts';

/** Names a template may use, in the order in which people are told of them. */
export const VARIABLE_NAMES = ['userId', 'createdAt', 'eventType', 'eventData', 'resource', 'globals'] as const;

export type VariableName = (typeof VARIABLE_NAMES)[number];

export type TemplateVariables = { readonly [K in VariableName]: Json };

const NAMES: ReadonlySet<string> = new Set(VARIABLE_NAMES);

export const isVariableName = (name: string): name is VariableName => NAMES.has(name);

/**
 * What a template's variables stand for. Everything comes from the event, its time included and no clock, so that a
 * repeated fan-out makes the same bytes. `data` is the event's data as `parseJsonText` gives it, numbers exact.
 *
 * A producer that sends `{"eventData": …, "resource": …}` fills both. Where one of the two is missing it is whatever the
 * data says beside the other; where both are, each is the whole data, so that events of any shape can be used.
 */
export function templateVariables(event: Event, data: Json): TemplateVariables {
  const iso = new Date(event.time).toISOString();
  return {
    userId: event.tenant,
    createdAt: `${iso.slice(0, iso.indexOf('.'))}Z`,
    eventType: event.type,
    ...split(data),
    globals: { dateISO: iso, dateUnix: Math.floor(event.time / 1_000) },
  };
}

function split(data: Json): Pick<TemplateVariables, 'eventData' | 'resource'> {
  if (!isJsonObject(data)) return { eventData: data, resource: data };
  const own = (key: string): boolean => Object.hasOwn(data, key);
  return {
    eventData: own('eventData') ? (data['eventData'] ?? null) : without(data, 'resource'),
    resource: own('resource') ? (data['resource'] ?? null) : without(data, 'eventData'),
  };
}

function without(data: Readonly<Record<string, Json>>, key: string): Json {
  if (!Object.hasOwn(data, key)) return data;
  const { [key]: _left, ...rest } = data;
  return rest;
}
