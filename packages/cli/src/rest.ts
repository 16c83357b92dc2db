import { CommandError } from './command-error.ts';

/** The REST API of a running platform, for one tenant. */
export class Rest {
  readonly #gateway: string;
  readonly #apiKey: string;

  constructor(gateway: string, apiKey: string) {
    this.#gateway = gateway.replace(/\/+$/, '');
    this.#apiKey = apiKey;
  }

  /**
   * Calls `/v1/…` and returns the JSON of its answer.
   * @throws RestError for what the API refused, CommandError when it cannot be reached
   */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.open(method, path, body, AbortSignal.timeout(30_000));
    return (await response.json()) as T;
  }

  /** The successful answer itself, for streams. */
  async open(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const url = `${this.#gateway}/v1${path}`;
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        signal,
        headers: {
          authorization: `Bearer ${this.#apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      signal.throwIfAborted();
      const cause = (error as { readonly cause?: { readonly code?: string } }).cause?.code ?? (error as Error).message;
      throw new CommandError(`The REST API at ${this.#gateway} cannot be reached (${cause}).`, { cause: error });
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/** The API said no. */
export class RestError extends CommandError {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

interface Problem {
  readonly error?: string;
  readonly message?: string;
  readonly details?: readonly { readonly field: string; readonly message: string }[];
}

async function refusal(response: Response): Promise<RestError> {
  const problem = (await response.json().catch(() => ({}))) as Problem;
  const fields = (problem.details ?? []).map(({ field, message }) =>
    message.startsWith(field) ? message : `${field}: ${message}`,
  );
  const text = fields.length > 0 ? fields.join('; ') : (problem.message ?? problem.error ?? '');
  return new RestError(response.status, `The REST API answered ${response.status}: ${text || response.statusText}.`);
}
