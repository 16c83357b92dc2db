import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';

const NATS_IMAGE = 'nats:2.14-alpine';
const POSTGRES_IMAGE = 'postgres:18-alpine';
const POSTGRES_PASSWORD = 'grapnel-test';

/** The same two servers as containers, for machines with Docker and access to a registry. */
export async function startContainerServers(): Promise<{
  readonly natsUrl: string;
  readonly postgresUrl: string;
  stop(): Promise<void>;
}> {
  const started: StartedTestContainer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.allSettled(started.map((container) => container.stop()));
  };
  const start = async (container: GenericContainer): Promise<StartedTestContainer> => {
    const running = await container.start();
    started.push(running);
    return running;
  };
  try {
    const [nats, postgres] = await Promise.all([start(natsContainer()), start(postgresContainer())]);
    return {
      natsUrl: `nats://${nats.getHost()}:${nats.getMappedPort(4222)}`,
      postgresUrl: `postgres://postgres:${POSTGRES_PASSWORD}@${postgres.getHost()}:${postgres.getMappedPort(5432)}/postgres`,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function natsContainer(): GenericContainer {
  const config = 'listen: "0.0.0.0:4222"\nmax_payload: 8388608\njetstream { store_dir: "/data" }\n';
  return new GenericContainer(NATS_IMAGE)
    .withCopyContentToContainer([{ content: config, target: '/etc/nats/grapnel.conf' }])
    .withCommand(['nats-server', '--config', '/etc/nats/grapnel.conf'])
    .withExposedPorts(4222)
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/));
}

function postgresContainer(): GenericContainer {
  return (
    new GenericContainer(POSTGRES_IMAGE)
      .withEnvironment({ POSTGRES_PASSWORD })
      .withCommand(['postgres', '-c', 'max_connections=300', '-c', 'fsync=off'])
      .withExposedPorts(5432)
      // The image starts the server once for its own set-up, and then for good.
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
  );
}
