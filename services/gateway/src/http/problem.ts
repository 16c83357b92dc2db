import type { Violation } from '@grapnel/domain/violation';
import { TEXTS } from '../texts.ts';

export type FieldProblem = Pick<Violation, 'field' | 'message'> & { readonly code: string };

/** The JSON of every answer that is not a success. */
export interface ProblemBody {
  readonly success: false;
  readonly error: string;
  readonly message?: string;
  readonly details?: readonly FieldProblem[];
}

/** An answer that is not a success; thrown anywhere below the edge, sent by the error handler. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly body: ProblemBody;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, body: Omit<ProblemBody, 'success'>, retryAfterSeconds: number | null = null) {
    super(body.message ?? body.error);
    this.name = 'HttpProblem';
    this.status = status;
    this.body = { success: false, ...body };
    this.retryAfterSeconds = retryAfterSeconds;
  }

  static notFound(error: string = TEXTS.notFound): HttpProblem {
    return new HttpProblem(404, { error });
  }

  /** AC-04. */
  static invalid(details: readonly FieldProblem[]): HttpProblem {
    const message = details.map(sentence).join('; ');
    return new HttpProblem(400, { error: TEXTS.validationError, message, details });
  }
}

/** `name is required`; a message that already names its field stands as it is. */
function sentence({ field, message }: FieldProblem): string {
  return field === '' || message.startsWith(`${field} `) ? message : `${field} ${message}`;
}
