import type { Violation } from '@grapnel/domain/violation';
import { EDGE_TEXTS } from './texts.ts';

export type FieldProblem = Pick<Violation, 'field' | 'message'> & { readonly code: string };

/** The JSON of every answer that is not a success. */
export interface ProblemBody {
  readonly success: false;
  readonly error: string;
  readonly message?: string;
  readonly details?: readonly FieldProblem[];
}

export interface ProblemHeaders {
  readonly retryAfterSeconds?: number;
  /** For 405: the methods there are. */
  readonly allow?: string;
  readonly acceptEncoding?: string;
}

/** More than this many problems help nobody, and bound what a hostile body can make us answer. */
const MAX_DETAILS = 50;

/** An answer that is not a success; thrown anywhere below the edge, sent by the error handler. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly body: ProblemBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: Omit<ProblemBody, 'success'>, headers: ProblemHeaders = {}) {
    super(body.message ?? body.error);
    this.name = 'HttpProblem';
    this.status = status;
    this.body = { success: false, ...body };
    const { retryAfterSeconds, allow, acceptEncoding } = headers;
    this.headers = {
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
      ...(allow !== undefined && { allow }),
      ...(acceptEncoding !== undefined && { 'accept-encoding': acceptEncoding }),
      ...(status === 401 && { 'www-authenticate': 'Bearer realm="grapnel"' }),
    };
  }

  static notFound(error: string = EDGE_TEXTS.notFound): HttpProblem {
    return new HttpProblem(404, { error });
  }

  /** AC-04; data that is too large is a 413 (AC-15). */
  static invalid(found: readonly FieldProblem[]): HttpProblem {
    const details = found.slice(0, MAX_DETAILS).map(({ field, message, code }) => ({ field, message, code }));
    const oversize = details.some(({ field, code }) => code === 'TOO_LARGE' && /(^|\.)data$/.test(field));
    const message = details.map(sentence).join('; ');
    return new HttpProblem(oversize ? 413 : 400, { error: EDGE_TEXTS.validationError, message, details });
  }
}

/** Whole seconds, at least one, for `Retry-After`. */
export const retryAfter = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));

/** `name is required`; a message that already names its field stands as it is. */
function sentence({ field, message }: FieldProblem): string {
  return field === '' || message.startsWith(`${field} `) ? message : `${field} ${message}`;
}
