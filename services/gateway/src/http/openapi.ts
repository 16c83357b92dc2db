import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { globalRegistry } from 'zod';
import { CLOUD_EVENTS } from './cloud-event-bodies.ts';
import { referenced } from './openapi-components.ts';

type ZodToJson = NonNullable<NonNullable<Parameters<typeof createJsonSchemaTransform>[0]>['zodToJsonConfig']>;
type Override = NonNullable<ZodToJson['override']>;

/** What the generator would say and we mean otherwise. */
const override: Override = ({ zodSchema, jsonSchema }) => {
  // eslint-disable-next-line no-underscore-dangle -- zod's own name for what a schema is made of
  const { def } = zodSchema._zod as { def: { type: string; catchall?: unknown } };
  // Answers may gain fields; only requests are closed.
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties;
  // A bound that nobody chose.
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  // Dropped where a value is converted first, as in query strings; the default is meant for what the caller writes.
  const fallback = globalRegistry.get(zodSchema)?.['default'];
  if (fallback !== undefined) jsonSchema.default = fallback;
};

const DESCRIPTION = `Webhooks for crawler and scraper events: subscribe, receive signed deliveries, see what became of each.

Every request carries \`Authorization: Bearer <API key>\`. Every answer that is not a success is
\`{"success": false, "error": "…"}\`; validation problems add \`message\` and \`details\`. Times are ISO 8601 in UTC.
Values of \`custom_headers\` are returned as they were configured to the tenant that owns the webhook; secrets never are.`;

/** Collects the routes registered after it; the document is made of the schemas that validate. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  const zodToJsonConfig = { override } as ZodToJson;
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Grapnel API',
        version: '1.0.0',
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This gateway.' }],
      security: [{ apiKey: [] }],
      tags: [
        { name: 'Webhooks', description: 'Who wants which events, where, and how.' },
        { name: 'Deliveries', description: 'What became of each event for each webhook.' },
        { name: 'Replays', description: 'Sending many deliveries again, as a job.' },
        { name: 'Events', description: 'What can happen, and telling that it did.' },
        { name: 'Account', description: 'What all webhooks of a tenant share.' },
        { name: 'Triggers', description: 'Inbound URLs that make events and run flows.' },
      ],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key of your tenant.' },
        },
      },
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig }),
    transformObject: createJsonSchemaTransformObject({ zodToJsonConfig }),
  });
}

interface MediaType {
  readonly schema: { readonly $ref?: string; readonly properties?: object; readonly type?: string };
  example?: unknown;
}

interface Operation {
  readonly operationId?: string;
  requestBody?: { required?: boolean; readonly content: Record<string, MediaType> };
}

/** As much of it as is touched here. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly examples?: readonly unknown[] }>> };
}

/** Bodies that may be left out, by operation: the generator calls every body required. */
const OPTIONAL_BODIES: ReadonlySet<string> = new Set([
  'replayDeliveries',
  'rotateAccountSecret',
  'rotateWebhookSecret',
  'testWebhook',
]);

/** The document, with the component schemas it uses. */
export function openApiDocument(app: FastifyInstance): OpenApiDocument {
  const document = referenced(app.swagger() as unknown as OpenApiDocument);
  for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    const { operationId = '', requestBody } = operation;
    if (requestBody === undefined) continue;
    if (OPTIONAL_BODIES.has(operationId)) requestBody.required = false;
    if (operationId === 'publishEvent') Object.assign(requestBody.content, CLOUD_EVENTS);
    for (const media of Object.values(requestBody.content)) {
      // A body without fields is none.
      if (isEmpty(media)) delete operation.requestBody;
      media.example ??= exampleOf(document, media);
    }
  }
  return document;
}

const isEmpty = ({ schema }: MediaType): boolean =>
  schema.properties !== undefined && Object.keys(schema.properties).length === 0;

/** Tools that make a request to try show the example beside the schema, not the one inside. */
function exampleOf({ components }: OpenApiDocument, { schema }: MediaType): unknown {
  const name = schema.$ref?.split('/').at(-1) ?? '';
  return components.schemas[name]?.examples?.[0];
}
