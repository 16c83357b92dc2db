import { MAX_BATCH_BYTES } from '@grapnel/domain/event/event';

/** A gRPC batch with its ids and references round the data. */
export const MAX_REQUEST_BYTES = MAX_BATCH_BYTES + 1_048_576;
