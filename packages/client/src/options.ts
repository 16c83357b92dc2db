import { NO_TLS, type TlsFiles } from '@grapnel/rpc/tls';

export interface ProducerOptions {
  /** `host:port` of ingest's gRPC. */
  readonly address: string;
  /** The tenant's API key. */
  readonly apiKey: string;
  readonly tls?: TlsFiles;
  /** Events per batch, at most 1,000. Default 200. */
  readonly maxBatchEvents?: number;
  /** Bytes of data per batch, at most 8 MB. Default 4 MB. */
  readonly maxBatchBytes?: number;
  /** How long an event waits for company while batches are under way; with none it goes at once. Default 5 ms. */
  readonly lingerMs?: number;
  /** Batches under way at once. Default 4. */
  readonly maxCalls?: number;
  /** Events handed in and not yet settled; further ones wait. Default 2,000. */
  readonly maxOutstandingEvents?: number;
  /** Their data. Default 32 MB. */
  readonly maxOutstandingBytes?: number;
  /** For how long an unconfirmed event is sent again. Default 60 s. */
  readonly retryForMs?: number;
  /** How long the answer to a batch may take. Default 15 s. */
  readonly callTimeoutMs?: number;
}

export type Settings = Required<ProducerOptions>;

export function settingsOf(options: ProducerOptions): Settings {
  const settings: Settings = {
    tls: NO_TLS,
    maxBatchEvents: 200,
    maxBatchBytes: 4 * 1_048_576,
    lingerMs: 5,
    maxCalls: 4,
    maxOutstandingEvents: 2_000,
    maxOutstandingBytes: 32 * 1_048_576,
    retryForMs: 60_000,
    callTimeoutMs: 15_000,
    ...options,
  };
  within(settings, 'maxBatchEvents', 1, 1_000);
  within(settings, 'maxBatchBytes', 1, 8 * 1_048_576);
  within(settings, 'maxCalls', 1, 1_000);
  within(settings, 'maxOutstandingEvents', 1, 1_000_000);
  return settings;
}

function within(settings: Settings, name: keyof Settings & `max${string}`, min: number, max: number): void {
  const value = settings[name];
  if (!(value >= min && value <= max)) throw new RangeError(`${name} is ${value}; it may be ${min} to ${max}`);
}
