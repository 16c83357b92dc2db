import type { EventStreams } from '@grapnel/stream/ports';
import type { ProjectionControl } from '../ports.ts';
import { allOf, type Sources } from '../project/sources.ts';
import { newestReadable } from '../project/stream-end.ts';

export interface PositionsContext {
  readonly streams: EventStreams;
  readonly sources: Sources;
  readonly control: ProjectionControl;
}

export interface StreamPosition {
  readonly stream: string;
  /** Whether it is being projected: an empty read model has taken nothing over yet, the totals of webhooks neither. */
  readonly begun: boolean;
  readonly checkpoint: number;
  /** The newest message that can be read; equal to the checkpoint when nothing is left to project. */
  readonly last: number;
}

/** How far each stream is projected. */
export async function positions({ streams, sources, control }: PositionsContext): Promise<StreamPosition[]> {
  const checkpoints = await control.checkpoints();
  return Promise.all(
    allOf(sources).map(async ({ stream, subjects }) => {
      const known = checkpoints.find((stored) => stored.stream === stream);
      const checkpoint = known?.sequence ?? 0;
      const last = await newestReadable(streams, stream, subjects, checkpoint);
      return { stream, begun: known !== undefined, checkpoint, last };
    }),
  );
}
