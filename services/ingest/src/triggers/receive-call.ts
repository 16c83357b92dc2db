import { triggerCallHeaders } from '@grapnel/contracts/execution-codec';
import { TRIGGER_EVENT_TYPE } from '@grapnel/domain/catalogue';
import { type Entropy, type ExecutionId, newExecutionId } from '@grapnel/domain/ids';
import { type Call, mapCall, type Variables } from '@grapnel/domain/trigger/map-call';
import { type FixedResponse, TRIGGER_LIMITS } from '@grapnel/domain/trigger/trigger';
import { violation } from '@grapnel/domain/violation';
import type { Clock } from '@grapnel/runtime/clock';
import type { AcceptEvents } from '../accept-events.ts';
import type { Accepted, Outcome } from '../outcome.ts';
import type { FlowEnd, SynchronousFlows } from './synchronous-flows.ts';
import type { KnownTrigger } from './trigger-directory.ts';

export interface ReceiveContext {
  readonly accept: Pick<AcceptEvents, 'accept'>;
  readonly flows: SynchronousFlows;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** What a call says of where it comes from. */
export interface CameFrom {
  readonly traceparent: string | null;
  /** Triggers that led to it. */
  readonly hops: number;
}

/** What a caller is to be answered. */
export type Received =
  | { readonly kind: 'fixed'; readonly response: FixedResponse }
  | { readonly kind: 'flow'; readonly execution: ExecutionId; readonly end: FlowEnd }
  | { readonly kind: 'refused'; readonly outcome: Exclude<Outcome, Accepted> };

/** The variables, and the little that is round them. */
const MAX_DATA_BYTES = 2 * TRIGGER_LIMITS.body.max;

const TOO_LARGE: Exclude<Outcome, Accepted> = {
  kind: 'invalid',
  violations: [violation('body', 'TOO_LARGE', `comes to variables of more than ${MAX_DATA_BYTES} bytes`)],
};
const BUSY = {
  kind: 'busy',
  message: 'too many callers wait for their flows; nothing of this call was stored',
  retryAfterMs: 1_000,
} as const;

/**
 * A call becomes the event `trigger.received` (NB-09). That one event is what everything else follows from: it is stored
 * before the caller hears anything (NB-07), and a flow is begun by whoever reads it, so that there is no second write
 * to be lost between the two. Only a flow whose caller waits is begun here.
 */
export async function receiveCall(
  context: ReceiveContext,
  trigger: KnownTrigger,
  call: Call,
  cameFrom: CameFrom,
): Promise<Received> {
  const { mapping, mode, response } = trigger.config;
  const variables = mapCall(mapping, call, MAX_DATA_BYTES);
  if (variables === null) return { kind: 'refused', outcome: TOO_LARGE };
  const execution = newExecutionId(context.clock.now(), context.entropy);
  const mapped: MappedCall = { trigger, variables, execution, cameFrom };
  if (mode === 'synchronous') return runWaitedFor(context, mapped);
  const outcome = await store(context, mapped);
  return outcome.kind === 'accepted' ? { kind: 'fixed', response } : { kind: 'refused', outcome };
}

interface MappedCall {
  readonly trigger: KnownTrigger;
  readonly variables: Variables;
  readonly execution: ExecutionId;
  readonly cameFrom: CameFrom;
}

function store(
  { accept }: ReceiveContext,
  { trigger: { id, tenant, config }, variables, execution, cameFrom: { traceparent, hops } }: MappedCall,
): Promise<Outcome> {
  const { name, mode, steps } = config;
  const runs = mode === 'synchronous' || steps.length > 0;
  return accept.accept({
    tenant,
    traceparent,
    input: {
      id: null,
      type: TRIGGER_EVENT_TYPE,
      jobId: null,
      // Webhooks of scope `specific` can ask for one trigger.
      taskId: id,
      time: null,
      data: Buffer.from(JSON.stringify({ trigger: id, name, variables })),
      own: { maxDataBytes: MAX_DATA_BYTES, hops: hops + 1 },
    },
    headers: runs ? triggerCallHeaders({ trigger: id, execution, mode }) : {},
  });
}

/** Runs the flow here, where its caller is. */
async function runWaitedFor(context: ReceiveContext, call: MappedCall): Promise<Received> {
  const { flows, clock } = context;
  const { trigger, variables, execution, cameFrom } = call;
  const { id, tenant, config } = trigger;
  if (!flows.reserve(tenant)) return { kind: 'refused', outcome: BUSY };
  let outcome: Outcome | null = null;
  try {
    outcome = await store(context, call);
  } finally {
    if (outcome?.kind !== 'accepted') flows.giveBack(tenant);
  }
  if (outcome.kind !== 'accepted') return { kind: 'refused', outcome };
  const now = clock.now();
  const started = {
    type: 'execution_started',
    at: now,
    execution,
    tenant,
    trigger: id,
    event: outcome.eventId,
    mode: 'synchronous',
    deadline: now + config.timeoutSeconds * 1_000,
    steps: config.steps,
    variables,
    hops: cameFrom.hops + 1,
  } as const;
  const end = await flows.run(started, cameFrom.traceparent);
  return { kind: 'flow', execution, end };
}
