import { until } from './ground.ts';
import type { Answer, Platform } from './platform.ts';

export interface TriggerAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One inbound URL of the platform's tenant, or of another. */
export class TestTrigger {
  readonly id: string;
  readonly #platform: Platform;
  readonly #apiKey: string;
  path: string;

  private constructor(platform: Platform, apiKey: string, id: string, path: string) {
    this.#platform = platform;
    this.#apiKey = apiKey;
    this.id = id;
    this.path = path;
  }

  /** Creates it and waits until the edge knows of it. */
  static async create(platform: Platform, config: object = {}, apiKey = platform.apiKey): Promise<TestTrigger> {
    const { status, body } = await platform.call('POST', '/v1/triggers', { name: 'orders', ...config }, apiKey);
    if (status !== 201) throw new Error(JSON.stringify(body));
    const trigger = new TestTrigger(platform, apiKey, body.data.id, body.data.path);
    if (body.data.enabled) await trigger.answers((found) => found !== 404);
    return trigger;
  }

  /** Waits until a request that begins nothing is answered so. */
  async answers(expected: (status: number) => boolean): Promise<void> {
    await until('the edge knows the trigger', async () => {
      const { status } = await this.call('x', { 'content-type': 'text/plain' });
      return expected(status);
    });
  }

  async call(
    body: unknown = {},
    headers: Readonly<Record<string, string>> = {},
    { method = 'POST', query = '' } = {},
  ): Promise<TriggerAnswer> {
    const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const response = await fetch(this.#platform.ingestHttp + this.path + query, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(method === 'GET' || method === 'HEAD' ? {} : { body: sent as string }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async change(verb: string, method = 'PUT'): Promise<Answer['body']> {
    const { status, body } = await this.#platform.call(
      method,
      `/v1/triggers/${this.id}/${verb}`,
      undefined,
      this.#apiKey,
    );
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body.data;
  }

  async executions(query = ''): Promise<Answer['body']> {
    const path = `/v1/triggers/${this.id}/executions${query}`;
    const { body } = await this.#platform.call('GET', path, undefined, this.#apiKey);
    return body;
  }

  /** Waits until so many executions are over; newest first. */
  ended(count: number, timeoutMs = 30_000): Promise<Answer['body'][]> {
    return until(
      `${count} ended executions`,
      async () => {
        const all: Answer['body'][] = (await this.executions('?limit=100')).data;
        return all.length >= count && all.every(({ status }) => status !== 'running') && all;
      },
      timeoutMs,
    );
  }
}
