import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { CertificateAuthority } from '@grapnel/rpc/certificates.test-support';
import { systemClock } from '@grapnel/runtime/clock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_RESOLVER, NameResolver } from './name-resolver.ts';
import { targetOf } from './target.ts';
import { UndiciSender } from './undici-sender.ts';

describe('TLS of endpoints', () => {
  const usual = getCACertificates('default');
  const everyones = new CertificateAuthority('everyone’s');
  const ours = new CertificateAuthority('ours');
  const nobodys = new CertificateAuthority('nobody’s');
  const servers: Server[] = [];

  // What the machine trusts anyway.
  beforeAll(() => setDefaultCACertificates([...usual, everyones.cert]));
  afterAll(() => setDefaultCACertificates(usual));
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const endpointOf = async (authority: CertificateAuthority): Promise<URL> => {
    const server = createServer(authority.issue('endpoint'), (request, response) =>
      request.resume().on('end', () => response.end()),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  };

  const send = async (url: URL, ca: string | null) => {
    const egress = { allowLocal: true, connectTimeoutMs: 5_000, ca };
    await using sender = new UndiciSender(egress, new NameResolver(DEFAULT_RESOLVER), systemClock);
    return await sender.send({ target: targetOf(url), headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 });
  };

  it('is refused where no authority that is trusted vouches for the certificate', async () => {
    const code = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
    expect(await send(await endpointOf(nobodys), ours.cert)).toMatchObject({
      result: { kind: 'no_response', code },
      error: { code },
    });
  });

  it('may be of an authority of the operator’s, beside those that everyone trusts', async () => {
    const answered = { result: { kind: 'response', status: 200 } };
    expect(await send(await endpointOf(ours), ours.cert)).toMatchObject(answered);
    expect(await send(await endpointOf(everyones), ours.cert)).toMatchObject(answered);
    expect(await send(await endpointOf(everyones), null)).toMatchObject(answered);
    expect(await send(await endpointOf(ours), null)).toMatchObject({ result: { kind: 'no_response' } });
  });
});
