import type { JsonObject } from './receive.ts';

/**
 * What `data` is for each type of the catalogue, as producers send it: bare in AnyCrawl's format, inside the envelope of
 * 群組GM's and of Standard Webhooks. A description, not a check: values are passed on as they came.
 */
export interface EventData {
  'scrape.created': PageJob;
  'scrape.started': PageJob;
  'scrape.completed': ScrapeCompleted;
  'scrape.failed': ScrapeFailed;
  'scrape.cancelled': PageJob;
  'crawl.created': PageJob;
  'crawl.started': PageJob;
  'crawl.page': Page;
  'crawl.completed': CrawlEnded;
  'crawl.failed': CrawlEnded;
  'crawl.cancelled': PageJob;
  'search.created': SearchJob;
  'search.started': SearchJob;
  'search.completed': SearchCompleted;
  'search.failed': SearchFailed;
  'map.created': PageJob;
  'map.started': PageJob;
  'map.completed': MapCompleted;
  'map.failed': MapFailed;
  'task.executed': TaskExecuted;
  'task.failed': TaskFailed;
  'task.paused': TaskPaused;
  'task.resumed': Task;
  'batch_scrape.started': JsonObject;
  'batch_scrape.page': Page;
  'batch_scrape.completed': JsonObject;
  'extract.started': JsonObject;
  'extract.completed': ExtractResult;
  'extract.failed': JsonObject;
  'ACTOR.RUN.RUNNING': ActorRun;
  'ACTOR.RUN.SUCCEEDED': ActorRun;
  'ACTOR.RUN.FAILED': ActorRun;
  'message.received': GroupMessage;
  'member.joined': GroupMembership;
  'member.left': GroupMembership;
  'file.uploaded': GroupFile;
  'trigger.received': JsonObject;
  'webhook.test': WebhookTest;
  'webhook.failing': JsonObject;
  'webhook.auto_disabled': JsonObject;
  'delivery.exhausted': JsonObject;
  'message.expired': JsonObject;
  'replay.finished': JsonObject;
}

/** A type of the catalogue. */
export type KnownType = keyof EventData;

declare const unlisted: unique symbol;

/**
 * A type that is in no list here. It is a string like any other; the mark, which exists for the compiler alone, keeps it
 * out of the cases that name a known type. (Only inside a template does the compiler tell marked strings from literals.)
 */
// oxlint-disable-next-line typescript/no-unnecessary-template-expression
export type OtherType = `${string & { readonly [unlisted]: true }}`;

/** A scrape, crawl or map job that was created, started or cancelled. */
export interface PageJob {
  readonly job_id: string;
  readonly url: string;
  readonly status: string;
}

export interface ScrapeCompleted extends PageJob {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly credits_used: number;
  readonly created_at: string;
  readonly completed_at: string;
}

export interface ScrapeFailed extends PageJob {
  readonly error_message: string;
  readonly credits_used: number;
  readonly created_at: string;
  readonly completed_at: string;
}

export interface CrawlEnded extends PageJob {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly started_at: string;
  readonly finished_at: string;
}

export interface MapCompleted extends PageJob {
  readonly total: number;
  readonly credits_used: number;
}

export interface MapFailed extends PageJob {
  readonly error_message?: string;
}

export interface SearchJob {
  readonly job_id: string;
  readonly query: string;
  readonly status: string;
}

export interface SearchCompleted extends SearchJob {
  readonly results_count: number;
}

export interface SearchFailed extends SearchJob {
  readonly error_message?: string;
}

export interface Task {
  readonly task_id: string;
  readonly task_name: string;
  readonly task_type: string;
  readonly status: string;
}

export interface TaskPaused extends Task {
  readonly reason: string;
}

export interface TaskFailed extends Task {
  readonly error_message: string;
}

export interface TaskExecuted {
  readonly task_id: string;
  readonly task_name: string;
  readonly execution_id: string;
  readonly execution_number: number;
  readonly status: string;
  readonly job_id: string;
  readonly credits_used: number;
  readonly scheduled_for: string;
  readonly completed_at: string;
}

/** A page of a crawl or of a batch; a page that failed may lack anything. */
export interface Page {
  readonly markdown?: string;
  readonly metadata?: {
    readonly title?: string;
    readonly description?: string;
    readonly url?: string;
    readonly statusCode?: number;
    readonly contentType?: string;
    readonly scrapeId?: string;
    readonly sourceURL?: string;
    readonly proxyUsed?: string;
    readonly cacheState?: string;
    readonly cachedAt?: string;
    readonly creditsUsed?: number;
  };
}

export interface ExtractResult {
  readonly success: boolean;
  readonly data: JsonObject;
  readonly extractId: string;
  readonly llmUsage: number;
  readonly totalUrlsScraped: number;
  readonly sources: JsonObject;
}

export interface ActorRun {
  readonly eventData?: JsonObject;
  readonly resource?: ActorResource;
}

/** What a run has left behind; addresses are empty where there is no such file. */
export interface ActorResource {
  readonly taskId?: string;
  /** JSON as text. */
  readonly url?: string;
  readonly apiKey?: string;
  readonly apiUrl?: string;
  readonly apiCode?: number;
  readonly apiResponseTime?: number;
  readonly apiErrorMsg?: string;
  readonly apiResult?: string;
  readonly errorNumber?: number;
  readonly successRate?: number;
  readonly runseconds?: number;
  readonly detail?: string;
  readonly flow?: number;
  readonly fileSize?: number;
  readonly type?: number;
  readonly csvUrl?: string;
  readonly jsonUrl?: string;
  readonly audioUrl?: string;
  readonly videoUrl?: string;
  readonly subtitleUrl?: string;
  readonly createdAt?: string;
  readonly finishedAt?: string;
}

export interface GroupUser {
  readonly userId: string;
  readonly displayName: string;
}

export interface GroupMessage {
  readonly channelId: string;
  readonly messageId: string;
  readonly sender: GroupUser;
  readonly type: string;
  readonly content: string;
}

export interface GroupMembership {
  readonly channelId: string;
  readonly member: GroupUser;
}

export interface GroupFile {
  readonly channelId: string;
  readonly messageId: string;
  readonly sender: GroupUser;
  readonly fileType: string;
  readonly fileSize: number;
}

export interface WebhookTest {
  readonly message: string;
  readonly timestamp: string;
  readonly webhook_id: string;
}
