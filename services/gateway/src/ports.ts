import type { DeliveryService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import type { ExecutionService } from '@grapnel/contracts/gen/grapnel/ingest/v1/execution_pb';
import type { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import type { QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { ReplayService } from '@grapnel/contracts/gen/grapnel/subscription/v1/replay_pb';
import type { TriggerService } from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import type { WebhookService } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { RpcClient } from '@grapnel/rpc/client';

/** The services behind the gateway; every failure is an RpcError. */
export interface Backends {
  readonly webhooks: RpcClient<typeof WebhookService>;
  readonly replays: RpcClient<typeof ReplayService>;
  readonly history: RpcClient<typeof QueryService>;
  readonly deliveries: RpcClient<typeof DeliveryService>;
  readonly ingest: RpcClient<typeof IngestService>;
  readonly triggers: RpcClient<typeof TriggerService>;
  readonly executions: RpcClient<typeof ExecutionService>;
}

export type { ApiKeys } from '@grapnel/http-edge/authenticate';
