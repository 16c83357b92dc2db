import { withoutCredentials } from '../provision-streams.ts';
import type { Runtime } from './runtime-file.ts';

export interface Announcement {
  readonly runtime: Runtime;
  readonly dataDir: string;
  readonly tenant: string;
  readonly timeScale: number;
  readonly allowLocalWebhooks: boolean;
  readonly seconds: number;
}

/** What a person is told when everything is up. */
export function announcement(what: Announcement): string[] {
  const { runtime } = what;
  const rows: [string, string][] = [
    ['REST API', `${runtime.gateway}/v1`],
    ['its description', `${runtime.gateway}/docs`],
    ['publish over gRPC', runtime.ingestGrpc],
    ['publish over HTTP', `${runtime.ingestHttp}/v1/events`],
    ['subscription gRPC', runtime.subscriptionGrpc],
    ['history gRPC', runtime.queryGrpc],
    ['dispatcher gRPC', runtime.deliveryGrpc],
    ['NATS', withoutCredentials(runtime.nats)],
    ['Postgres', withoutCredentials(runtime.postgres)],
    ['API key', `${runtime.apiKey}  (tenant ${what.tenant})`],
    ['data and logs', what.dataDir],
  ];
  return [
    '',
    `Grapnel is up (${what.seconds.toFixed(1)} s).`,
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(19)}${value}`),
    ...remarks(what).map((remark) => `  ${remark}`),
    '',
    'Publish an event:',
    '',
    `  curl -X POST ${runtime.gateway}/v1/events -H 'Authorization: Bearer ${runtime.apiKey}' \\`,
    `    -H 'Content-Type: application/json' \\`,
    `    -d '{"type":"crawl.page","job_id":"job-1","data":{"url":"https://example.com","status":200}}'`,
    '',
  ];
}

function remarks({ timeScale, allowLocalWebhooks }: Announcement): string[] {
  return [
    ...(allowLocalWebhooks ? ['Webhooks may point to this machine (ALLOW_LOCAL_WEBHOOKS=true).'] : []),
    ...(timeScale === 1
      ? []
      : [`Waits before retries are ${timeScale} times shorter (GRAPNEL_TIME_SCALE=${timeScale}).`]),
  ];
}
