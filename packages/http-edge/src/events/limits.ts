import { MAX_BATCH_BYTES, MAX_DATA_BYTES } from '@grapnel/domain/event/event';

/**
 * Data may be up to three times as long when a producer escapes everything outside ASCII (Python's default); what counts
 * against the limit is the data, written compactly.
 */
export const MAX_EVENT_BODY_BYTES = 3 * MAX_DATA_BYTES + 65_536;
export const MAX_BATCH_BODY_BYTES = MAX_BATCH_BYTES + 1_048_576;
