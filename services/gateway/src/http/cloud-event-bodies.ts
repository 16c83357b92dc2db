import { BATCH_TYPE, STRUCTURED_TYPE } from '@grapnel/http-edge/events/encoding';

const text = { type: 'string' } as const;
const event = {
  type: 'object',
  description: 'A CloudEvents 1.0 event; other extensions are ignored.',
  required: ['specversion', 'id', 'source', 'type', 'data'],
  properties: {
    specversion: { const: '1.0' },
    id: { ...text, description: 'With `source`, what repeats are recognised by.' },
    source: { ...text, format: 'uri-reference' },
    type: { ...text, description: 'A type of `GET /v1/webhook-events`.' },
    subject: { ...text, description: 'The job it belongs to.' },
    taskid: { ...text, description: 'Extension: the task it belongs to.' },
    time: { ...text, format: 'date-time' },
    data: { description: 'Any JSON value of at most 1 MB.' },
  },
} as const;

const example = {
  specversion: '1.0',
  id: '42',
  source: '/crawlers/frankfurt',
  type: 'crawl.page',
  subject: 'job-1',
  data: { url: 'https://example.com', status: 200 },
};

/** ST-08: the other ways to write the body of `POST /v1/events`, for the OpenAPI document. */
export const CLOUD_EVENTS = {
  [STRUCTURED_TYPE]: { schema: event, example },
  [BATCH_TYPE]: { schema: { type: 'array', items: event, maxItems: 1_000 }, example: [example] },
};
