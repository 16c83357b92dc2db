import { connect } from '@nats-io/transport-node';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { freshDatabase, natsUrl, testPrefix } from './infra.ts';

describe('the servers of a test run', () => {
  it('offer JetStream', async () => {
    const nats = await connect({ servers: natsUrl() });
    const account = await nats.request('$JS.API.INFO');
    expect(account.json()).toMatchObject({ type: 'io.nats.jetstream.api.v1.account_info_response' });
    expect(nats.info?.max_payload).toBe(8 * 1024 * 1024);
    await nats.close();
  });

  it('give every caller a prefix and a database of its own', async () => {
    expect(testPrefix().stream).toMatch(/^T[0-9A-F]{10}_$/);
    expect(testPrefix().subject).not.toBe(testPrefix().subject);
    await using first = await freshDatabase();
    await using second = await freshDatabase();
    expect(first.name).not.toBe(second.name);
    const client = new Client({ connectionString: first.url });
    // Dropping the database ends the connection, which is an error event for pg.
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query('SELECT current_database() AS name');
    expect(rows).toEqual([{ name: first.name }]);
  });
});
