import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { startPostgres } from '@grapnel/embedded/postgres';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import type { ServerExit } from '@grapnel/embedded/server-process';
import type { OnProgress } from '@grapnel/embedded/setup-error';
import type { DataDir } from './data-dir.ts';
import { yieldToDeliveries } from './priority.ts';
import type { Running } from './supervised.ts';

interface Server {
  readonly pid: number;
  readonly url: string;
  readonly port: number;
  readonly exited: Promise<ServerExit>;
  stop(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** An embedded server that comes back on the port it had. */
export interface EmbeddedServer {
  launch(): Promise<Running>;
  /** Known once it has been launched. */
  readonly url: string;
}

export async function embeddedNats(
  dir: DataDir,
  options: { readonly port: number; readonly syncAlways: boolean },
  onProgress: OnProgress,
): Promise<EmbeddedServer> {
  const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress });
  const { syncAlways } = options;
  return embedded(
    options.port,
    (port) => startNats({ binary, storeDir: dir.nats, port, syncAlways, onProgress }),
    'SIGKILL',
  );
}

export function embeddedPostgres(dir: DataDir, port: number, onProgress: OnProgress): EmbeddedServer {
  return embedded(
    port,
    async (at) => {
      const server = await startPostgres({ dataDir: dir.postgres, port: at, onProgress });
      yieldToDeliveries(server.pid);
      return server;
    },
    // “Immediate shutdown”: its backends end with it, as they do not when it is killed.
    'SIGQUIT',
  );
}

function embedded(wanted: number, start: (port: number) => Promise<Server>, hard: NodeJS.Signals): EmbeddedServer {
  let port = wanted;
  let url = '';
  return {
    get url() {
      return url;
    },
    async launch() {
      const server = await start(port);
      ({ port, url } = server);
      return {
        pid: server.pid,
        ready: Promise.resolve(),
        exited: server.exited.then(({ code, signal }) =>
          signal === null ? `exit code ${code}` : `killed by ${signal}`,
        ),
        stop: () => server.stop(),
        kill: () => void server.kill(hard),
      };
    },
  };
}
