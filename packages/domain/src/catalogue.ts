import type { EventTypes } from './event-type/event-types.ts';

/** One type of event that producers may publish and webhooks may subscribe to. */
export interface EventType {
  readonly name: string;
  readonly category: string;
  readonly description: string;
}

const JOB_STATES: Record<string, string> = {
  created: 'was queued',
  started: 'began',
  page: 'delivered one page',
  completed: 'ended well',
  failed: 'ended with an error',
  cancelled: 'was cancelled',
};

function jobTypes(family: string, what: string, states: readonly string[]): EventType[] {
  return states.map((state) => ({
    name: `${family}.${state}`,
    category: family,
    description: `${what} ${JOB_STATES[state] ?? state}.`,
  }));
}

/** What the five covered systems speak; operators may register further types beside these. */
export const CATALOGUE: readonly EventType[] = [
  ...jobTypes('scrape', 'A scrape job', ['created', 'started', 'completed', 'failed', 'cancelled']),
  ...jobTypes('crawl', 'A crawl job', ['created', 'started', 'page', 'completed', 'failed', 'cancelled']),
  ...jobTypes('search', 'A search job', ['created', 'started', 'completed', 'failed']),
  ...jobTypes('map', 'A map job', ['created', 'started', 'completed', 'failed']),
  { name: 'task.executed', category: 'task', description: 'A scheduled task ran.' },
  { name: 'task.failed', category: 'task', description: 'A scheduled task failed.' },
  { name: 'task.paused', category: 'task', description: 'A scheduled task was paused.' },
  { name: 'task.resumed', category: 'task', description: 'A scheduled task goes on.' },
  ...jobTypes('batch_scrape', 'A batch scrape job', ['started', 'page', 'completed']),
  ...jobTypes('extract', 'An extract job', ['started', 'completed', 'failed']),
  { name: 'ACTOR.RUN.RUNNING', category: 'actor', description: 'A scraper run is running.' },
  { name: 'ACTOR.RUN.SUCCEEDED', category: 'actor', description: 'A scraper run succeeded.' },
  { name: 'ACTOR.RUN.FAILED', category: 'actor', description: 'A scraper run failed.' },
  { name: 'message.received', category: 'group', description: 'A message was posted in a group.' },
  { name: 'member.joined', category: 'group', description: 'A member joined a group.' },
  { name: 'member.left', category: 'group', description: 'A member left a group.' },
  { name: 'file.uploaded', category: 'group', description: 'A file was uploaded to a group.' },
  { name: 'trigger.received', category: 'trigger', description: 'An inbound trigger was called.' },
  { name: 'webhook.test', category: 'webhook', description: 'A test that a person asked for.' },
  { name: 'webhook.failing', category: 'operational', description: 'Half of the failures that disable a webhook.' },
  { name: 'webhook.auto_disabled', category: 'operational', description: 'A webhook was disabled by its failures.' },
  { name: 'delivery.exhausted', category: 'operational', description: 'A delivery failed for good.' },
  { name: 'message.expired', category: 'operational', description: 'A delivery was given up unsent.' },
  { name: 'replay.finished', category: 'operational', description: 'A bulk replay came to its end.' },
];

const OPERATIONAL: ReadonlySet<string> = new Set(
  CATALOGUE.filter(({ category }) => category === 'operational').map(({ name }) => name),
);

/** Made by the platform about its own work: `*` does not cover it. */
export const isOperational = (name: string): boolean => OPERATIONAL.has(name);

/** A test that a person asked for. */
export const TEST_EVENT_TYPE = 'webhook.test';
/** What a call to a trigger becomes (NB-09). */
export const TRIGGER_EVENT_TYPE = 'trigger.received';

/** Said by the platform alone: who could publish it could make believe that a trigger was called, or a webhook disabled. */
export const isReserved = (name: string): boolean =>
  name === TEST_EVENT_TYPE || name === TRIGGER_EVENT_TYPE || isOperational(name);

const NAMES: ReadonlySet<string> = new Set(CATALOGUE.map((type) => type.name));

export const isCatalogued = (name: string): boolean => NAMES.has(name);

/** `crawl.page` → `crawl`, `ACTOR.RUN.FAILED` → `ACTOR` and so on: what `family.*` stands for. */
export function familiesOf(type: string): string[] {
  const families: string[] = [];
  for (let dot = type.indexOf('.'); dot > 0; dot = type.indexOf('.', dot + 1)) families.push(type.slice(0, dot));
  return families;
}

const FAMILIES: ReadonlySet<string> = new Set(CATALOGUE.flatMap((type) => familiesOf(type.name)));

/** The types that every deployment has. */
export const BUILT_IN: EventTypes = { has: isCatalogued, hasFamily: (family) => FAMILIES.has(family) };

/** Whether a webhook may subscribe to `pattern`: a type, `family.*` or `*`. */
export function isSubscribable(pattern: string, types: EventTypes = BUILT_IN): boolean {
  if (pattern === '*' || types.has(pattern)) return true;
  return pattern.endsWith('.*') && types.hasFamily(pattern.slice(0, -2));
}
