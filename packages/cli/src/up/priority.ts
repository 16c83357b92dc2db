import { setPriority } from 'node:os';

const BELOW_NORMAL = 10;

/**
 * Deliveries before history: when everything shares one machine that is short of CPU, the read model may lag, and
 * customers do not wait for it. Refusals are of no consequence.
 */
export function yieldToDeliveries(pid: number): void {
  try {
    setPriority(pid, BELOW_NORMAL);
  } catch {
    // The process is gone, or the system has no priorities.
  }
}
