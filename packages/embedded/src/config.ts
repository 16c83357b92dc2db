import { delimiter } from 'node:path';

/** What this package reads from the environment, read at the moment it is needed. */
export interface EmbeddedEnv {
  /** `NATS_SERVER_BIN`: use exactly this nats-server. */
  readonly natsServerBin: string | undefined;
  /** `NATS_SERVER_29_BIN`: use exactly this one where the oldest supported version is asked for. */
  readonly natsServer29Bin: string | undefined;
  /** `GOMAXPROCS`: how many threads nats-server runs its work on. */
  readonly goMaxProcs: string | undefined;
  /** The folders of `PATH`. */
  readonly path: readonly string[];
}

export function readEmbeddedEnv(env: NodeJS.ProcessEnv = process.env): EmbeddedEnv {
  return {
    natsServerBin: nonEmpty(env['NATS_SERVER_BIN']),
    natsServer29Bin: nonEmpty(env['NATS_SERVER_29_BIN']),
    goMaxProcs: nonEmpty(env['GOMAXPROCS']),
    path: (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
  };
}

/** The environment of a short-lived tool: ours, with output in plain English so that it can be read. */
export function toolEnv(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LC_ALL: 'C',
    DEBIAN_FRONTEND: 'noninteractive',
    ...extra,
  };
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}
