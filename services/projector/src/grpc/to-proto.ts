import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type AttemptSchema,
  type Delivery,
  DeliveryStatus,
  type HourlyStatisticsSchema,
  type WebhookStatisticsSchema,
} from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { DeliveryStatus as Status } from '@grapnel/domain/delivery/outcome';
import type { AttemptView, DeliveryView, HourView, WebhookTotalsView } from '../ports.ts';

const STATUS: Readonly<Record<Status, DeliveryStatus>> = {
  pending: DeliveryStatus.PENDING,
  retrying: DeliveryStatus.RETRYING,
  delivered: DeliveryStatus.DELIVERED,
  failed: DeliveryStatus.FAILED,
  skipped: DeliveryStatus.SKIPPED,
};

/** Whole, so that nothing has to be copied into another one: pages have up to a thousand. */
export function deliveryMessage(view: DeliveryView): Delivery {
  const { lastAttempt: last, deliveredAt, nextAttemptAt } = view;
  return {
    $typeName: 'grapnel.query.v1.Delivery',
    id: view.id,
    webhookId: view.webhookId,
    eventId: view.eventId,
    eventType: view.eventType,
    jobId: view.jobId ?? '',
    taskId: view.taskId ?? '',
    status: STATUS[view.status],
    round: BigInt(view.round),
    attemptNumber: view.attemptNumber,
    requestUrl: last?.requestUrl ?? '',
    requestMethod: last?.requestMethod ?? '',
    responseStatus: last?.responseStatus ?? undefined,
    responseDurationMs: last?.responseDurationMs ?? undefined,
    errorCode: last?.errorCode ?? '',
    errorMessage: last?.errorMessage ?? '',
    createdAt: timestampFromMs(view.createdAt),
    deliveredAt: deliveredAt === null ? undefined : timestampFromMs(deliveredAt),
    nextAttemptAt: nextAttemptAt === null ? undefined : timestampFromMs(nextAttemptAt),
    skipReason: view.skipReason ?? '',
    test: view.test,
    sequence: BigInt(view.sequence),
    bodyBytes: view.bodyBytes,
  };
}

export function attemptMessage(view: AttemptView): MessageInitShape<typeof AttemptSchema> {
  return {
    round: BigInt(view.round),
    number: view.number,
    startedAt: timestampFromMs(view.startedAt),
    durationMs: view.durationMs,
    requestUrl: view.requestUrl,
    requestMethod: view.requestMethod,
    requestHeaders: { ...view.requestHeaders },
    ...(view.responseStatus === null ? {} : { responseStatus: view.responseStatus }),
    responseHeaders: { ...view.responseHeaders },
    responseBody: view.responseBody ?? '',
    errorCode: view.errorCode ?? '',
    errorMessage: view.errorMessage ?? '',
    remoteAddress: view.remoteAddress ?? '',
    ...time('nextAttemptAt', view.nextAttemptAt),
    succeeded: view.succeeded,
  };
}

export function totalsMessage(view: WebhookTotalsView): MessageInitShape<typeof WebhookStatisticsSchema> {
  return {
    webhookId: view.webhookId,
    totalDeliveries: BigInt(view.delivered + view.failed),
    successfulDeliveries: BigInt(view.delivered),
    failedDeliveries: BigInt(view.failed),
    ...time('lastSuccessAt', view.lastSuccessAt),
    ...time('lastFailureAt', view.lastFailureAt),
  };
}

export function hourMessage(view: HourView): MessageInitShape<typeof HourlyStatisticsSchema> {
  return {
    hour: timestampFromMs(view.hour),
    delivered: BigInt(view.delivered),
    failed: BigInt(view.failed),
    attempts: BigInt(view.attempts),
    failedAttempts: BigInt(view.failedAttempts),
    responseMsSum: BigInt(view.responseMsSum),
    responses: BigInt(view.responses),
  };
}

const time = <Name extends string>(name: Name, ms: number | null) =>
  (ms === null ? {} : { [name]: timestampFromMs(ms) }) as { [K in Name]?: ReturnType<typeof timestampFromMs> };
