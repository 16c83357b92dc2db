import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { SetupError } from '@grapnel/embedded/setup-error';
import type { UpConfig } from './config.ts';
import type { DataDir } from './data-dir.ts';
import { readJson, writePrivateJson } from './private-file.ts';

/** What a platform must keep to be able to go on with its data. */
export interface Secrets {
  /** Between services. */
  readonly serviceToken: string;
  /** Seals the webhooks' secrets: lost, they are lost too. */
  readonly keyRing: string;
  /** Of the demo tenant. */
  readonly apiKey: string;
}

/** Those of the data directory, made on the first run. The environment's token and key ring win, but are not kept. */
export async function loadSecrets(dir: DataDir, config: UpConfig): Promise<Secrets> {
  const kept = await readKept(dir);
  const secrets = kept ?? (await makeSecrets(dir, config));
  return {
    apiKey: secrets.apiKey,
    serviceToken: config.serviceToken ?? secrets.serviceToken,
    keyRing: config.keyRing ?? secrets.keyRing,
  };
}

/** From now on the platform's key is this one. */
export async function keepApiKey(dir: DataDir, apiKey: string): Promise<void> {
  await writePrivateJson(dir.secretsFile, { ...(await readKept(dir)), apiKey });
}

async function readKept(dir: DataDir): Promise<Secrets | undefined> {
  const value = (await readJson(dir.secretsFile)) as Partial<Secrets> | undefined;
  if (value === undefined) return undefined;
  const { serviceToken, keyRing, apiKey } = value;
  if (typeof serviceToken === 'string' && typeof keyRing === 'string' && typeof apiKey === 'string') {
    return { serviceToken, keyRing, apiKey };
  }
  throw new SetupError(`${dir.secretsFile} is not complete: restore it, or remove ${dir.path} to begin anew.`);
}

async function makeSecrets(dir: DataDir, config: UpConfig): Promise<Secrets> {
  if (config.keyRing === null && (await readdir(dir.nats)).length > 0) {
    throw new SetupError(
      `${dir.secretsFile} is missing, and without its key ring the webhooks' secrets in ${dir.nats} cannot be opened: ` +
        `restore it, or remove ${dir.path} to begin anew.`,
    );
  }
  const secrets: Secrets = {
    serviceToken: randomBytes(32).toString('base64url'),
    keyRing: `k1:${randomBytes(32).toString('base64')}`,
    apiKey: config.apiKey ?? `gpl_${randomBytes(24).toString('base64url')}`,
  };
  await writePrivateJson(dir.secretsFile, secrets);
  return secrets;
}
