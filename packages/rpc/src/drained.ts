import type { EventEmitter } from 'node:events';

/**
 * Resolves when the peer has taken what was written to a stream, or is gone. Leaves no listener behind, however often
 * a long stream waits.
 */
export function drained(call: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ENDS) call.off(event, done);
      resolve();
    };
    for (const event of ENDS) call.on(event, done);
  });
}

const ENDS = ['drain', 'cancelled', 'close'];
