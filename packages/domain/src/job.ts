const JOB_FAMILIES: ReadonlySet<string> = new Set(['scrape', 'crawl', 'search', 'map', 'batch_scrape', 'extract']);
const ENDS: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** Whether an event of this type is the last of its job (FC-06, FC-09). */
export function endsJob(type: string): boolean {
  const dot = type.indexOf('.');
  return dot > 0 && JOB_FAMILIES.has(type.slice(0, dot)) && ENDS.has(type.slice(dot + 1));
}
