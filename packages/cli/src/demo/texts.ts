import type { Standing } from './history.ts';
import { quantile, type Receipts } from './receipts.ts';

/** The line that shows how far the demo is. */
export function progressLine(receipts: Receipts, standing: Standing, events: number): string {
  const { published, accepted, retries } = receipts;
  return `demo: ${published}/${events} published, ${accepted} delivered, ${retries} retries, ${standing.failed} failed`;
}

/** What came of it, for people; numbers from the REST API and from what the customer received. */
export function summary(receipts: Receipts, standing: Standing, seconds: number): string[] {
  const rows: [string, string][] = [
    ['published', `${receipts.published} events in ${seconds.toFixed(1)} s over gRPC`],
    [
      'delivered',
      `${standing.delivered}, ${standing.deliveredLate} of them after retries (${receipts.retries} in all)`,
    ],
    [
      'failed',
      `${standing.failed}${receipts.refused === 0 ? '' : `; the customer answered 404 to ${receipts.refused}`}`,
    ],
    ...(standing.skipped > 0
      ? [['skipped', `${standing.skipped} (the webhook was disabled)`] as [string, string]]
      : []),
    ...(standing.underWay > 0 ? [['under way', `${standing.underWay}`] as [string, string]] : []),
    ['duplicates', `${receipts.duplicates} seen by the customer`],
    ['signatures', receipts.invalid === 0 ? 'all valid' : `${receipts.invalid} INVALID`],
    [
      'publish to receipt',
      `p50 ${ms(quantile(receipts.latencies, 0.5))}, p99 ${ms(quantile(receipts.latencies, 0.99))}`,
    ],
  ];
  return [
    '',
    'The demo crawl has been delivered.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(19)}${value}`),
    '',
  ];
}

const ms = (value: number | null): string => (value === null ? '–' : `${Math.round(value)} ms`);
