import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiKeyService } from '@grapnel/contracts/gen/grapnel/subscription/v1/api_key_pb';
import { EnvReader } from '@grapnel/runtime/env';
import { silentLogger } from '@grapnel/runtime/logger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticator, noTenants } from './auth.ts';
import { CertificateAuthority } from './certificates.test-support.ts';
import { openChannel } from './client.ts';
import { readTls } from './config.ts';
import { type RpcServer, register, startRpcServer } from './server.ts';
import { channelCredentials, NO_TLS, serverCredentials, type TlsFiles } from './tls.ts';

const TOKEN = 'a-service-token-of-tests';

describe('mutual TLS with two authorities', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grapnel-tls-'));
  const [ours, theirs] = [new CertificateAuthority('ours'), new CertificateAuthority('theirs')];
  let server: RpcServer;

  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  /** What one side holds: a certificate of one authority, and whom it trusts. */
  const side = (name: string, of: CertificateAuthority | null, trusted: CertificateAuthority): TlsFiles => {
    const own = of?.issue(name);
    return {
      certFile: own === undefined ? null : file(`${name}.pem`, own.cert),
      keyFile: own === undefined ? null : file(`${name}.key`, own.key),
      caFile: file(`${name}.ca.pem`, trusted.cert),
    };
  };
  const call = async (tls: TlsFiles) => {
    using channel = openChannel({ address: server.address, token: TOKEN, tls });
    return await channel.client(ApiKeyService).listApiKeys({ tenant: 'acme' }, { timeoutMs: 3_000 });
  };

  beforeAll(async () => {
    const refused = (): Promise<never> => Promise.reject(new Error('not here'));
    const handlers = { createApiKey: refused, listApiKeys: async () => ({ apiKeys: [] }), revokeApiKey: refused };
    server = await startRpcServer({
      host: '127.0.0.1',
      port: 0,
      // Clients are known to it by another authority than itself is to them.
      tls: side('server', ours, theirs),
      logger: silentLogger,
      authenticate: authenticator(TOKEN, noTenants),
      services: [register(ApiKeyService, 'service', handlers)],
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('lets those talk who know each other', async () => {
    expect(await call(side('client', theirs, ours))).toMatchObject({ apiKeys: [] });
  });

  it.each<[string, () => TlsFiles]>([
    ['a client of the server’s own authority', () => side('stranger', ours, ours)],
    ['a client without a certificate', () => side('nobody', null, ours)],
    ['a client that does not know the server', () => side('distrustful', theirs, theirs)],
    ['a client in plain text', () => NO_TLS],
  ])('refuses %s', async (_who, tls) => {
    await expect(call(tls())).rejects.toMatchObject({ name: 'RpcError' });
  });
});

describe('TLS that is configured by half', () => {
  const [CERT, KEY, CA] = ['GRAPNEL_TLS_CERT_FILE', 'GRAPNEL_TLS_KEY_FILE', 'GRAPNEL_TLS_CA_FILE'] as const;
  const problemsOf = (names: readonly string[], serves: boolean): string => {
    const env = new EnvReader(Object.fromEntries(names.map((name) => [name, '/etc/x.pem'])));
    readTls(env, serves);
    try {
      env.done();
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each<[readonly string[], boolean, string]>([
    [[CERT], true, `${KEY} is required`],
    [[KEY], true, `${CERT} is required`],
    [[CERT, KEY], true, `${CA} is required`],
    [[CA], true, `${CERT} is required`],
    [[CERT, KEY], false, `${CA} is required`],
    [[CERT, CA], false, `${KEY} is required`],
  ])('is refused by the name of what is missing: %s (serves: %s)', (given, serves, problem) => {
    expect(problemsOf(given, serves)).toContain(problem);
  });

  it('is whole with all three, with none, and for who only calls with the authority alone', () => {
    for (const serves of [true, false]) {
      expect(problemsOf([CERT, KEY, CA], serves)).toBe('');
      expect(problemsOf([], serves)).toBe('');
    }
    expect(problemsOf([CA], false)).toBe('');
  });

  it('never comes to plain text by itself', () => {
    expect(() => serverCredentials({ ...NO_TLS, certFile: '/x' })).toThrow('without its key');
    expect(() => serverCredentials({ ...NO_TLS, caFile: '/x' })).toThrow('without a certificate');
    expect(() => channelCredentials({ ...NO_TLS, certFile: '/x', keyFile: '/y' })).toThrow('without an authority');
  });
});
