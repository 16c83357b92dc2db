import type { NatsConnection } from '@nats-io/nats-core';

/** Of nats-server. */
const FIRST_WITH_BATCHES = [2, 12] as const;

/** Whether the server that we are connected to now stores atomic batches; an older one would store them message by message. */
export function takesBatches({ info }: NatsConnection): boolean {
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  const [wantedMajor, wantedMinor] = FIRST_WITH_BATCHES;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
