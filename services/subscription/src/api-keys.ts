import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import type { Topology } from '@grapnel/contracts/topology';
import { apiKeyIdOf, type Entropy, type TenantId } from '@grapnel/domain/ids';
import { err, ok, type Result } from '@grapnel/domain/result';
import { type ApiKey, type ApiKeyEvent, evolveApiKey, hashApiKey, hintOf } from '@grapnel/domain/tenancy/api-key';
import type { Clock } from '@grapnel/runtime/clock';
import { type EventStreams, WrongLastSequence } from '@grapnel/stream/ports';
import type { Directory } from './directory.ts';

export interface ApiKeyContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export interface NewKey {
  readonly tenant: TenantId;
  readonly name: string;
  /** Brought along; `null` makes one. */
  readonly key: string | null;
}

/**
 * Makes a key, or takes one that is brought along. The same key for the same tenant again is the same key.
 * @throws StoreUnavailable
 */
export async function createApiKey(
  context: ApiKeyContext,
  { tenant, name, key: given }: NewKey,
): Promise<Result<{ readonly apiKey: ApiKey; readonly key: string }, 'taken' | 'contended'>> {
  const key = given ?? `gpl_${Buffer.from(context.entropy(24)).toString('base64url')}`;
  const hash = hashApiKey(key);
  const known = context.directory.keyByHash(hash);
  if (known !== null) return known.key.tenant === tenant ? ok({ apiKey: known.key, key }) : err('taken');
  const at = context.clock.now();
  const apiKey = { id: apiKeyIdOf(hash), tenant, name, hash, hint: hintOf(key), createdAt: at, revokedAt: null };
  const stored = await store(context, { type: 'key_created', at, key: apiKey }, null, 0);
  return stored === null ? err('contended') : ok({ apiKey: stored, key });
}

/** Revoking a revoked key changes nothing. */
export async function revokeApiKey(
  context: ApiKeyContext,
  tenant: TenantId,
  id: string,
): Promise<Result<ApiKey, 'not_found' | 'contended'>> {
  const key = context.directory.keys().find((candidate) => candidate.id === id && candidate.tenant === tenant);
  const known = key === undefined ? null : context.directory.keyByHash(key.hash);
  if (known === null) return err('not_found');
  if (known.key.revokedAt !== null) return ok(known.key);
  const stored = await store(context, { type: 'key_revoked', at: context.clock.now() }, known.key, known.revision);
  return stored === null ? err('contended') : ok(stored);
}

/** `null` when another writer was first. */
async function store(
  { directory, streams, names }: ApiKeyContext,
  event: ApiKeyEvent,
  before: ApiKey | null,
  revision: number,
): Promise<ApiKey | null> {
  const state = evolveApiKey(before, event);
  const aggregate = { tenant: state.tenant, kind: 'key', id: state.id } as const;
  try {
    const { sequence } = await streams.publish(encodeRecorded(aggregate, { event, state }, revision, names));
    directory.applyOwnKey(state, sequence);
    return state;
  } catch (error) {
    if (!(error instanceof WrongLastSequence)) throw error;
    await directory.caughtUp();
    return null;
  }
}
