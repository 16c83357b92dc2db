import type { SendResult } from '@grapnel/domain/delivery/classify';
import type { Attempt, AttemptError } from '@grapnel/domain/delivery/outcome';
import type { WebhookId } from '@grapnel/domain/ids';
import type { Target } from './attempt/target.ts';
import type { Endpoint } from './endpoint/endpoint.ts';

/** One request to be made; everything in it is decided. */
export interface AttemptRequest {
  /** POST where it is not said. */
  readonly method?: string;
  readonly target: Target;
  readonly headers: Readonly<Record<string, string>>;
  /** `null`: none. */
  readonly body: Uint8Array | null;
  /** Of the answer's body; what the history shows where it is not said. */
  readonly keptChars?: number;
  /** Milliseconds for everything: name, connection, TLS, request, the whole answer. */
  readonly deadlineMs: number;
}

/** What came of it: for the rules, and for the history. */
export interface AttemptResult {
  readonly result: SendResult;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly response: Attempt['response'];
  readonly error: AttemptError | null;
  readonly remoteAddress: string | null;
}

/** Makes one HTTP request. Never rejects: whatever goes wrong is a result. */
export interface AttemptSender extends AsyncDisposable {
  send(request: AttemptRequest): Promise<AttemptResult>;
}

/** Where webhooks are today, in memory. */
export interface Endpoints {
  /**
   * `behind`: the directory has not yet heard of what the delivery was made from; `gone`: the webhook was deleted;
   * `unusable`: it is there, but this process cannot read it.
   */
  find(id: WebhookId, knownFrom: number): Endpoint | 'behind' | 'gone' | 'unusable';
}
