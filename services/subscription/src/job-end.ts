import type { Topology } from '@grapnel/contracts/topology';
import type { Event } from '@grapnel/domain/event/event';
import type { WebhookId } from '@grapnel/domain/ids';
import { endsJob } from '@grapnel/domain/job';
import { profileOf } from '@grapnel/domain/profiles/registry';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams, Received } from '@grapnel/stream/ports';
import { commandWebhook } from './command-webhook.ts';
import type { Directory } from './directory.ts';

export interface JobEndContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
}

/** The webhooks that belong to the job this event ends; `null` when it ends none, or none belongs to it. */
export function endingJob(event: Event, directory: Directory): WebhookId[] | null {
  if (event.jobId === null || !endsJob(event.type)) return null;
  const ids = directory.index.ofJob(event.tenant, event.jobId).filter((id) => {
    const { state } = directory.find(id);
    return state.kind === 'present' && speaksOf(event.type, state.webhook);
  });
  return ids.length === 0 ? null : ids;
}

/** A scrape that ends within a crawl does not end the crawl for those who know of no scrapes. */
function speaksOf(type: string, { config }: Webhook): boolean {
  return profileOf(config.profile).eventTypes?.includes(type) ?? true;
}

/** How old a look at the consumer may be, and how long an end waits before the next. */
const LOOK_AGAIN_MS = 50;
/** Restarts the acknowledgement's clock long before it runs out. */
const WORKING_MS = 1_000;
/**
 * Ends that may wait here at once. They hold places in the consumer's window, and what they wait for may have to come
 * again through that window: were all places taken by ends, nothing would ever move.
 */
const MAX_WAITING = 128;

/**
 * Lets an end of a job be fanned out when every event that was stored before it is fanned out and acknowledged: the
 * consumer's floor says so for all replicas, also after a crash. Ends of other jobs, in hand here, hold nothing up; an
 * earlier event that is being tried again holds the end back, as it should.
 */
export class JobEnds {
  readonly #ackFloor: () => Promise<number>;
  readonly #clock: Clock;
  /** The jobs whose ends are in hand here, by the position of the event; `null` when done and not yet below the floor. */
  readonly #inHand = new Map<number, string | null>();
  #waiting = 0;
  #floor: Promise<number> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(ackFloor: () => Promise<number>, clock: Clock) {
    this.#ackFloor = ackFloor;
    this.#clock = clock;
  }

  /** Runs `work` when it is the end's turn; `false`, without having run it, when too many wait: it should come again. */
  async inOrder(
    message: Pick<Received, 'sequence' | 'working'>,
    { tenant, jobId }: Pick<Event, 'tenant' | 'jobId'>,
    work: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { sequence } = message;
    const job = `${tenant} ${jobId}`;
    let done = false;
    this.#inHand.set(sequence, job);
    try {
      if (!(await this.#isNext(sequence, job))) {
        if (this.#waiting >= MAX_WAITING) return false;
        await this.#turnOf(message, job, signal);
      }
      await work();
      return (done = true);
    } finally {
      if (done) this.#inHand.set(sequence, null);
      else this.#inHand.delete(sequence);
    }
  }

  async #turnOf(message: Pick<Received, 'sequence' | 'working'>, job: string, signal: AbortSignal): Promise<void> {
    this.#waiting++;
    try {
      let saidAt = this.#clock.monotonic();
      do {
        await this.#clock.sleep(LOOK_AGAIN_MS, signal);
        if (this.#clock.monotonic() - saidAt < WORKING_MS) continue;
        saidAt = this.#clock.monotonic();
        message.working();
      } while (!(await this.#isNext(message.sequence, job)));
    } finally {
      this.#waiting--;
    }
  }

  async #isNext(sequence: number, job: string): Promise<boolean> {
    const floor = await this.#look();
    for (let earlier = sequence - 1; earlier > floor; earlier--) {
      const other = this.#inHand.get(earlier);
      if (other === undefined || other === job) return false;
    }
    return true;
  }

  /** One look serves all who wait: the floor only rises, so that an older one is never wrong. */
  #look(): Promise<number> {
    const now = this.#clock.monotonic();
    if (this.#floor !== null && now - this.#lookedAt < LOOK_AGAIN_MS) return this.#floor;
    this.#lookedAt = now;
    const floor = this.#ackFloor().then((reached) => this.#forget(reached));
    this.#floor = floor;
    floor.catch(() => {
      if (this.#floor === floor) this.#floor = null;
    });
    return floor;
  }

  #forget(floor: number): number {
    for (const [sequence, job] of this.#inHand) if (job === null && sequence <= floor) this.#inHand.delete(sequence);
    return floor;
  }
}

/**
 * Retires the job's webhooks: they match no more, and what is under way is still delivered (FC-06). Comes after all
 * deliveries are stored; a repeat finds them retired and has nothing left to make.
 */
export async function retireJobWebhooks(
  { tenant }: Event,
  ids: readonly WebhookId[],
  context: JobEndContext,
): Promise<void> {
  const at = context.clock.now();
  const webhooks = { ...context, webhooks: context.directory };
  await Promise.all(
    ids.map(async (id) => {
      const done = await commandWebhook(webhooks, tenant, id, { type: 'retire', at });
      if (!done.ok && done.error.kind === 'contended') throw new Error(`webhook ${id} is written by too many at once`);
    }),
  );
}
