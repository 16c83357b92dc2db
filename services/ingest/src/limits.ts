/** Events of one batch, over gRPC or as CloudEvents. */
export const MAX_BATCH_EVENTS = 1_000;
/** Data of all its events together. */
export const MAX_BATCH_BYTES = 8 * 1_048_576;
/** A gRPC batch with its ids and references round the data. */
export const MAX_REQUEST_BYTES = MAX_BATCH_BYTES + 1_048_576;
