import { isMissingTable, isOutage } from '@grapnel/db/outage';
import { HistoryUnavailable } from '../ports.ts';

/** Outages, and tables that are not made yet, become {@link HistoryUnavailable}; everything else is a bug. */
export async function available<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isOutage(error) || isMissingTable(error)) throw new HistoryUnavailable(error);
    throw error;
  }
}
