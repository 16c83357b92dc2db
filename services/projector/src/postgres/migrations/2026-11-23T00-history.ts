import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Times are milliseconds since the epoch, as in the streams; every text is compared byte by byte, which makes indexes
 * smaller and the order of a cursor the same on every server.
 */
export const history: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};

const STATEMENTS = [
  // The key begins with the id, so that it also finds a delivery whose day is not known.
  `CREATE TABLE history.deliveries (
    id text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    job_id text,
    task_id text,
    event_time bigint NOT NULL,
    test boolean NOT NULL,
    body_bytes integer NOT NULL,
    webhook_revision bigint NOT NULL,
    sequence bigint NOT NULL,
    round bigint NOT NULL,
    attempt integer NOT NULL,
    rank smallint NOT NULL,
    status text COLLATE "C" NOT NULL,
    attempt_number integer NOT NULL,
    next_attempt_at bigint,
    delivered_at bigint,
    skip_reason text,
    last_attempt_round bigint NOT NULL,
    last_attempt_number integer NOT NULL,
    request_url text,
    request_method text,
    response_status integer,
    response_duration_ms integer,
    error_code text,
    error_message text,
    PRIMARY KEY (id, created_at)
  ) PARTITION BY RANGE (created_at)`,
  `CREATE INDEX deliveries_of_webhook ON history.deliveries (tenant, webhook_id, status, created_at, id)`,
  `CREATE INDEX deliveries_of_tenant ON history.deliveries (tenant, status, created_at, id)`,
  `CREATE TABLE history.attempts (
    delivery_created_at bigint NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    round bigint NOT NULL,
    number integer NOT NULL,
    outcome_sequence bigint NOT NULL,
    succeeded boolean NOT NULL,
    started_at bigint NOT NULL,
    duration_ms integer NOT NULL,
    request_url text NOT NULL,
    request_method text NOT NULL,
    request_headers json NOT NULL,
    response_status integer,
    response_headers json,
    response_body text,
    error_code text,
    error_message text,
    remote_address text,
    next_attempt_at bigint,
    PRIMARY KEY (delivery_created_at, delivery_id, round, number)
  ) PARTITION BY RANGE (delivery_created_at)`,
  // Counted by the day their deliveries were made: what retention drops can then be told from what it keeps.
  `CREATE TABLE history.webhook_statistics (
    tenant text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    day bigint NOT NULL,
    delivered bigint NOT NULL,
    failed bigint NOT NULL,
    last_success_at bigint,
    last_failure_at bigint,
    PRIMARY KEY (tenant, webhook_id, day)
  )`,
  `CREATE INDEX webhook_statistics_by_day ON history.webhook_statistics (day)`,
  `CREATE TABLE history.hourly_statistics (
    tenant text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    hour bigint NOT NULL,
    day bigint NOT NULL,
    delivered bigint NOT NULL,
    failed bigint NOT NULL,
    attempts bigint NOT NULL,
    failed_attempts bigint NOT NULL,
    response_ms_sum bigint NOT NULL,
    responses bigint NOT NULL,
    PRIMARY KEY (tenant, webhook_id, hour, day)
  )`,
  `CREATE INDEX hourly_statistics_by_day ON history.hourly_statistics (day)`,
  `CREATE TABLE history.deleted_webhooks (
    webhook_id text COLLATE "C" PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    deleted_at bigint NOT NULL
  )`,
  `CREATE TABLE history.checkpoints (
    stream text COLLATE "C" PRIMARY KEY,
    stream_created text NOT NULL,
    sequence bigint NOT NULL
  )`,
  // One row: everything made before this moment has been dropped, and stays so even if retention is lengthened.
  `CREATE TABLE history.horizon (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    kept_from bigint NOT NULL
  )`,
  `INSERT INTO history.horizon (kept_from) VALUES (0)`,
];
