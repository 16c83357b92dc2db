import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type SetAsideEventSchema, SetAsideService } from '@grapnel/contracts/gen/grapnel/subscription/v1/set_aside_pb';
import type { Message } from '@grapnel/contracts/message';
import { decodeSetAside } from '@grapnel/contracts/set-aside-codec';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import { CannotFanOut, computed, type DeliverContext, deliver } from '../deliver-event.ts';
import { endingJob, retireJobWebhooks } from '../job-end.ts';
import { storing } from './refusals.ts';

const LIST = { default: 100, max: 1_000 };
const ID = /^\d{1,16}-\d{1,16}$/;

/** Events that were set aside, for operators. */
export function setAsideService(context: DeliverContext): Registration {
  const { streams, names, directory } = context;
  const stream = names.streams.setAside;
  const named = (id: string): Promise<Message | null> => streams.lastOn(stream, names.subjects.setAside(id));

  return register(SetAsideService, 'service', {
    async listSetAside({ limit }) {
      const subjects = await streams.subjects(stream, names.subjects.allSetAside);
      const ids = subjects.map(idIn).toSorted(byTime);
      const shown = ids.slice(0, Math.min(limit === 0 ? LIST.default : limit, LIST.max));
      const found = await Promise.all(shown.map(named));
      return { events: found.flatMap((message) => message ?? []).map(toMessage), total: BigInt(ids.length) };
    },

    async retrySetAside({ id }, { signal }) {
      const message = ID.test(id) ? await named(id) : null;
      if (message === null) throw RpcError.notFound('Event set aside', id);
      const { event, facts } = decodeSetAside(message);
      if (event === null) throw new RpcError(Code.FAILED_PRECONDITION, `the event cannot be read: ${facts.reason}`);
      await directory.caughtUp();
      const header = (name: string) => message.header(name);
      const original = { body: message.body, storedAt: facts.storedAt, sequence: null, header };
      const deliveries = await fannedOut(async () => {
        const ending = computed(() => endingJob(event, directory));
        const made = await deliver(event, original, context, signal);
        if (ending !== null) await retireJobWebhooks(event, ending, context);
        return made;
      });
      await streams.purge(stream, message.subject, message.sequence);
      return { deliveries };
    },
  });
}

/** It stays aside when it fails again. */
async function fannedOut(work: () => Promise<number>): Promise<number> {
  try {
    return await storing(work);
  } catch (error) {
    if (!(error instanceof CannotFanOut)) throw error;
    throw new RpcError(Code.FAILED_PRECONDITION, `the event still cannot be fanned out: ${error.message}`);
  }
}

const idIn = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);

/** Ids begin with the time at which the event was stored. */
const byTime = (a: string, b: string): number => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);

function toMessage(message: Message): MessageInitShape<typeof SetAsideEventSchema> {
  const { facts, event } = decodeSetAside(message);
  return {
    id: idIn(message.subject),
    tenant: event?.tenant ?? '',
    eventId: event?.id ?? '',
    type: event?.type ?? '',
    jobId: event?.jobId ?? '',
    reason: facts.reason,
    tries: facts.tries,
    storedAt: timestampFromMs(facts.storedAt),
    setAsideAt: timestampFromMs(facts.at),
    bytes: BigInt(message.body.byteLength),
  };
}
