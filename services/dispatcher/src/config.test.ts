import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority } from '@grapnel/rpc/certificates.test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from './config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapnel-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

const read = (file: string) =>
  readConfig({
    GRAPNEL_MODE: 'development',
    GRAPNEL_SERVICE_TOKEN: 't'.repeat(32),
    GRAPNEL_KEYRING: `a:${Buffer.alloc(32, 1).toString('base64')}`,
    GRAPNEL_EGRESS_CA_FILE: file,
  });

it('reads the authorities of endpoints, and says which file is none', async () => {
  const { cert } = new CertificateAuthority('ours');
  const [good, bad, none] = [join(folder, 'good.pem'), join(folder, 'bad.pem'), join(folder, 'none.pem')];
  const other = new CertificateAuthority('others').cert;
  await writeFile(good, `# ours\n${cert}# others\n${other}`);
  await writeFile(bad, `${cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`);
  await writeFile(none, 'no certificate');
  expect(() => read(bad)).toThrow(/GRAPNEL_EGRESS_CA_FILE must be a file of certificates in PEM/);
  expect(() => read(none)).toThrow(/GRAPNEL_EGRESS_CA_FILE must be .*there is none/);
  expect(() => read(join(folder, 'missing.pem'))).toThrow(/GRAPNEL_EGRESS_CA_FILE must be .*missing\.pem/);
  expect(read(good).egressCa).toBe(cert + other);
});
