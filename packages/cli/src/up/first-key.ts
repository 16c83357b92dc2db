import { ApiKeyService } from '@grapnel/contracts/gen/grapnel/subscription/v1/api_key_pb';
import { openChannel } from '@grapnel/rpc/client';
import { RpcError } from '@grapnel/rpc/errors';
import { CommandError } from '../command-error.ts';
import type { DataDir } from './data-dir.ts';
import { keepApiKey, type Secrets } from './secrets.ts';

/** Whose key a new platform makes. */
export const DEMO_TENANT = 'demo';

/**
 * Makes the data directory's API key known to the platform; again changes nothing. One that somebody has revoked is
 * replaced. Returns the key that works.
 */
export async function ensureFirstKey(subscription: string, secrets: Secrets, dir: DataDir): Promise<string> {
  using channel = openChannel({ address: subscription, token: secrets.serviceToken });
  const keys = channel.client(ApiKeyService);
  try {
    const first = { tenant: DEMO_TENANT, name: 'first key' };
    const { apiKey } = await keys.createApiKey({ ...first, key: secrets.apiKey });
    if (apiKey?.active !== false) return secrets.apiKey;
    const { key } = await keys.createApiKey(first);
    await keepApiKey(dir, key);
    return key;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw new CommandError(`The API key could not be made: ${error.message}.`, { cause: error });
  }
}
