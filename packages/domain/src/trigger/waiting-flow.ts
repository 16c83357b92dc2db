import type { TenantId } from '../ids.ts';
import { spreadMs } from '../retry.ts';

/** What RETRIES holds of a call whose flow is looked at again later. The event itself stays in EVENTS. */
export interface WaitingFlow {
  readonly kind: 'flow';
  readonly tenant: TenantId;
  /** Of the event. */
  readonly sequence: number;
  /** How often it was sent away, this time included. */
  readonly times: number;
  readonly dueAt: number;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;

/** Milliseconds until a flow that found no place is looked at again: twice as long each time, so that many do not churn. */
export const flowWaitMs = (sequence: number, times: number): number =>
  spreadMs(Math.min(FIRST_MS * 2 ** (times - 1), LONGEST_MS), `${sequence}:${times}`);
