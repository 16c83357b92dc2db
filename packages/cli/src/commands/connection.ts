import { type Channel, openChannel } from '@grapnel/rpc/client';
import type { TlsFiles } from '@grapnel/rpc/tls';
import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { Rest } from '../rest.ts';
import type { Runtime } from '../up/runtime-file.ts';
import { ADDRESS_VARIABLES, type AddressName, type ConnectionEnv, readConnectionEnv } from './config.ts';
import { runningAt, USUAL_DATA_DIR } from './running.ts';

/** Options of every command that talks to a running platform. */
export interface ConnectionOptions {
  readonly dataDir?: string;
  readonly url?: string;
}

export const CONNECTION_HELP = `
The platform is found by the runtime.json of its data directory, or by GRAPNEL_URL (REST), INGEST_GRPC, SUBSCRIPTION_GRPC
and QUERY_GRPC (host:port), with GRAPNEL_API_KEY and, for operators, GRAPNEL_SERVICE_TOKEN.`;

export function withConnection(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'of a platform started with "grapnel up" (default: .grapnel)')
    .option('--url <url>', 'address of the REST API (default: GRAPNEL_URL)');
}

/** The platform that a command talks to. */
export class Connection {
  readonly #env: ConnectionEnv;
  readonly #url: string | null;
  /** Of the data directory's platform; `null` when the platform is named by addresses. */
  readonly #runtime: Runtime | null;
  readonly #sought: string | null;

  private constructor(env: ConnectionEnv, url: string | null, runtime: Runtime | null, sought: string | null) {
    this.#env = env;
    this.#url = url;
    this.#runtime = runtime;
    this.#sought = sought;
  }

  /**
   * Whoever names an address means that platform alone: the keys of another, which happens to run here, are not sent
   * there.
   */
  static async find({ dataDir, url }: ConnectionOptions, source: EnvSource): Promise<Connection> {
    const env = readConnectionEnv(source);
    const named = url !== undefined || Object.values(env.addresses).some((address) => address !== null);
    if (named && dataDir === undefined) return new Connection(env, url ?? null, null, null);
    const { dir, runtime } = await runningAt(dataDir ?? USUAL_DATA_DIR);
    return new Connection(env, url ?? null, runtime ?? null, dir.path);
  }

  /** Whether it is one of "grapnel up", of which more is known. */
  get embedded(): boolean {
    return this.#sought !== null;
  }

  get runtime(): Runtime {
    return this.#runtime ?? this.#fail('A running platform');
  }

  get tls(): TlsFiles {
    return this.#env.tls;
  }

  get apiKey(): string {
    return this.#env.apiKey ?? this.#runtime?.apiKey ?? this.#fail('The API key', 'GRAPNEL_API_KEY');
  }

  address(name: AddressName): string {
    const given = name === 'gateway' ? (this.#url ?? this.#env.addresses.gateway) : this.#env.addresses[name];
    // With a data directory its addresses count, unless a flag says otherwise.
    const fromDir = this.#runtime?.[name];
    const found = this.#sought === null ? given : ((name === 'gateway' ? this.#url : null) ?? fromDir ?? given);
    return found ?? this.#fail(`The address of ${name}`, ADDRESS_VARIABLES[name]);
  }

  rest(): Rest {
    return new Rest(this.address('gateway'), this.apiKey);
  }

  /** As the tenant of the API key. */
  tenantChannel(name: AddressName): Channel {
    return openChannel({ address: this.address(name), token: this.apiKey, tls: this.tls });
  }

  /** As one of the platform's own. */
  operatorChannel(name: AddressName): Channel {
    const token =
      this.#env.serviceToken ?? this.#runtime?.serviceToken ?? this.#fail('The service token', 'GRAPNEL_SERVICE_TOKEN');
    return openChannel({ address: this.address(name), token, tls: this.tls });
  }

  #fail(what: string, variable?: string): never {
    const place = this.#sought === null ? '' : ` in ${this.#sought}`;
    const otherwise = variable === undefined ? 'give its --data-dir' : `set ${variable}`;
    throw new CommandError(
      this.#sought === null
        ? `${what} is not known: ${otherwise}.`
        : `No platform is running${place} (there is no runtime.json): start it with npm start, or ${otherwise}.`,
    );
  }
}
