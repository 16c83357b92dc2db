import { ProjectionService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { type Registration, register } from '@grapnel/rpc/server';
import { positions } from '../rebuild/positions.ts';
import { type RebuildContext, rebuild } from '../rebuild/rebuild.ts';
import { answering, asRpcError } from './errors.ts';

/** `grapnel.query.v1.ProjectionService`, for operators. */
export function projectionService(context: RebuildContext): Registration {
  return register(ProjectionService, 'service', {
    async *rebuild(_request, { signal }) {
      try {
        for await (const { done, total, finished } of rebuild(context, signal)) {
          yield { done: BigInt(done), total: BigInt(total), finished };
        }
      } catch (error) {
        throw asRpcError(error);
      }
    },

    getProjectionStatus: () =>
      answering(async () => {
        const found = await positions(context);
        return {
          positions: found.map(({ stream, begun, checkpoint, last }) => ({
            stream,
            begun,
            checkpoint: BigInt(checkpoint),
            last: BigInt(last),
          })),
        };
      }),
  });
}
