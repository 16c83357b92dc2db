import { Backoff } from '@grapnel/runtime/backoff';
import { CheckpointMoved, type ReadModel } from '../ports.ts';
import { type ProjectionContext, project } from './project.ts';

const STANDBY_MS = 1_000;
/** A turn that lasted so long was a good one: its end is a new trouble, not the old one again. */
const GOOD_TURN_MS = 10_000;

/** Projects whenever no other replica does, until `signal` aborts; outages of Postgres are waited out. */
export async function runProjector(
  context: ProjectionContext,
  readModel: ReadModel,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger, metrics } = context;
  const backoff = new Backoff(clock, { firstMs: 50, maxMs: 5_000 });
  let failures = 0;
  while (!signal.aborted) {
    const began = clock.monotonic();
    try {
      const hadTurn = await readModel.exclusively(async (writer) => {
        logger.info('projecting');
        metrics.active = true;
        await project(context, writer, signal).finally(() => {
          metrics.active = false;
        });
      });
      backoff.reset();
      failures = 0;
      if (!hadTurn) await clock.sleep(STANDBY_MS, signal).catch(() => {});
    } catch (error) {
      if (error instanceof CheckpointMoved) {
        logger.info({ reason: error.message }, 'projecting begins anew from where the checkpoints are now');
        continue;
      }
      if (clock.monotonic() - began > GOOD_TURN_MS) {
        backoff.reset();
        failures = 0;
      }
      failures++;
      logger[failures === 1 ? 'warn' : 'debug']({ err: error, failures }, 'projecting was interrupted; trying again');
      await backoff.wait(signal).catch(() => {});
    }
  }
}
