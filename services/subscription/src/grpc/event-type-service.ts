import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  EventTypeService,
  type RegisteredEventTypeSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/event_type_pb';
import { type EventTypeCommand, type RegisteredType, TYPE_LIMITS } from '@grapnel/domain/event-type/event-type';
import { DEPLOYMENT } from '@grapnel/domain/ids';
import { type Json, parseJsonText } from '@grapnel/domain/json';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import type { Clock } from '@grapnel/runtime/clock';
import type { Directory } from '../directory.ts';
import { checkSchema, commandEventType, type EventTypeRecords } from '../event-types/command-event-type.ts';
import type { KnownTypes } from '../event-types/known-types.ts';
import { recordFeed } from '../record-feed.ts';
import { contended, storing } from './refusals.ts';

export interface EventTypeServiceContext extends EventTypeRecords {
  readonly directory: Directory;
  readonly known: KnownTypes;
  readonly clock: Clock;
}

/** Types of events, for operators, and for the services that must know them. */
export function eventTypeService(context: EventTypeServiceContext): Registration {
  const { directory, known, types, clock } = context;
  const command = async (name: string, made: EventTypeCommand): Promise<RegisteredType> => {
    const done = await storing(() => commandEventType(context, name, made));
    if (done.ok) return done.value;
    switch (done.error.kind) {
      case 'not_found':
        throw RpcError.notFound('Event type', name);
      case 'invalid':
        throw RpcError.invalid(done.error.violations);
      case 'contended':
        throw contended();
    }
  };

  return register(EventTypeService, 'service', {
    async defineEventType({ name, category, description, schema, example }) {
      await directory.caughtUp();
      const all = known.all();
      if (all.length >= TYPE_LIMITS.types && !all.some((type) => type.name === name)) {
        throw new RpcError(Code.FAILED_PRECONDITION, `at most ${TYPE_LIMITS.types} types can be registered`);
      }
      const definition = {
        name,
        category: category === '' ? name.slice(0, Math.max(name.indexOf('.'), 0)) : category,
        description,
        schema: schema === '' ? null : schema,
        example: exampleFrom(example),
      };
      return toMessage(await command(name, { type: 'define', at: clock.now(), definition, check: checkSchema }));
    },

    archiveEventType: async ({ name, restore }) =>
      toMessage(await command(name, { type: restore ? 'restore' : 'archive', at: clock.now() })),

    async listRegisteredEventTypes() {
      await directory.caughtUp();
      return { eventTypes: known.all().map(toMessage) };
    },

    async *watchEventTypes(_request, { signal }) {
      for await (const feed of recordFeed(directory, 'event_type', signal)) {
        if (feed.kind === 'complete') {
          yield { change: { case: 'snapshotDone', value: { revision: BigInt(feed.position) } } };
          continue;
        }
        const record = types.find(DEPLOYMENT, feed.id);
        if (record !== null) yield { change: { case: 'changed', value: toMessage(record.state) } };
      }
    },
  });
}

function exampleFrom(text: string): Json {
  if (text === '') return null;
  const parsed = text.length > TYPE_LIMITS.exampleBytes ? null : parseJsonText(text);
  if (parsed?.ok) return parsed.value;
  const message = parsed === null ? `must be at most ${TYPE_LIMITS.exampleBytes} bytes of JSON` : parsed.error;
  throw RpcError.invalid([{ field: 'example', code: parsed === null ? 'TOO_LARGE' : 'INVALID_VALUE', message }]);
}

function toMessage(type: RegisteredType): MessageInitShape<typeof RegisteredEventTypeSchema> {
  const { name, category, description, schema, example, version, archived, createdAt, updatedAt } = type;
  return {
    ...{ name, category, description, version, archived },
    schema: schema ?? '',
    example: JSON.stringify(example),
    createdAt: timestampFromMs(createdAt),
    updatedAt: timestampFromMs(updatedAt),
  };
}
