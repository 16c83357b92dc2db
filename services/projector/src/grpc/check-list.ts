import { DeliveryStatus, type ListDeliveriesRequest } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { DeliveryStatus as Status } from '@grapnel/domain/delivery/outcome';
import type { TenantId } from '@grapnel/domain/ids';
import { violation } from '@grapnel/domain/violation';
import type { DeliveryQuery } from '../ports.ts';
import { readPageToken } from '../queries/page-token.ts';
import { Checks } from './checks.ts';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;
const MAX_OFFSET = 100_000;
const MAX_STATUSES = 20;
const MAX_EVENT_TYPES = 50;
/** A type, or `family.*`. */
const EVENT_TYPES = /^[A-Za-z][\w.-]{0,126}(\.\*)?$/;

const STATUSES: Readonly<Record<number, Status>> = {
  [DeliveryStatus.PENDING]: 'pending',
  [DeliveryStatus.RETRYING]: 'retrying',
  [DeliveryStatus.DELIVERED]: 'delivered',
  [DeliveryStatus.FAILED]: 'failed',
  [DeliveryStatus.SKIPPED]: 'skipped',
};

/** @throws RpcError that names every wrong field */
export function checkList(request: ListDeliveriesRequest, tenant: TenantId): DeliveryQuery {
  const checks = new Checks();
  const { from, to } = checks.period(request.from, request.to);
  const question = {
    tenant,
    webhookId: checks.webhookId(request.webhookId),
    statuses: statuses(request, checks),
    eventTypes: eventTypes(request, checks),
    from,
    to,
  };
  const pageSize = checks.bounded('page_size', request.pageSize, MAX_PAGE_SIZE);
  const offset = checks.bounded('offset', request.offset, MAX_OFFSET);
  const after = request.pageToken === '' ? null : readPageToken(request.pageToken, question);
  if (request.pageToken !== '' && after === null) {
    checks.add(violation('page_token', 'INVALID_VALUE', 'is not a token of this list with these filters'));
  }
  if (request.pageToken !== '' && offset > 0) {
    checks.add(violation('offset', 'INVALID_VALUE', 'cannot be combined with page_token'));
  }
  checks.done();
  return { ...question, after, offset, limit: pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize };
}

function eventTypes(request: ListDeliveriesRequest, checks: Checks): string[] {
  const given = [...new Set(request.eventTypes)];
  if (given.length > MAX_EVENT_TYPES) {
    checks.add(violation('event_types', 'TOO_LONG', `may have at most ${MAX_EVENT_TYPES} entries`));
    return [];
  }
  const at = given.findIndex((type) => !EVENT_TYPES.test(type));
  if (at >= 0) checks.add(violation(`event_types[${at}]`, 'INVALID_VALUE', 'must be an event type or family.*'));
  return given;
}

function statuses(request: ListDeliveriesRequest, checks: Checks): Status[] {
  if (request.statuses.length > MAX_STATUSES) {
    checks.add(violation('statuses', 'TOO_LONG', `may have at most ${MAX_STATUSES} entries`));
    return [];
  }
  const known = new Set<Status>();
  for (const [i, value] of request.statuses.entries()) {
    const status = STATUSES[value];
    if (status !== undefined) known.add(status);
    else {
      const allowed = 'must be PENDING, RETRYING, DELIVERED, FAILED or SKIPPED';
      checks.add(violation(`statuses[${i}]`, 'INVALID_VALUE', allowed));
    }
  }
  return [...known];
}
