import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { GrapnelProducer } from '@grapnel/client/producer';
import { PublishError } from '@grapnel/client/publish-error';
import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Screen } from '../screen.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json } from './table.ts';

interface Options extends ConnectionOptions {
  readonly type: string;
  readonly data: string;
  readonly id?: string;
  readonly jobId?: string;
  readonly taskId?: string;
  readonly time?: string;
  readonly json?: boolean;
}

const RETRY_FOR_MS = 10_000;

const HELP = `${CONNECTION_HELP}

Examples:
  $ grapnel publish --type crawl.page --job-id job-1 --data '{"url":"https://example.com","status":200}'
  $ grapnel publish --type scrape.completed --data @result.json --id job-1:done
  $ curl -s https://example.com/page.json | grapnel publish --type crawl.page --data -`;

/** `grapnel publish` */
export function addPublish(program: Command, screen: Screen, env: EnvSource): void {
  withConnection(program.command('publish'))
    .description('publish an event over gRPC')
    .requiredOption('--type <type>', 'of the catalogue, e.g. crawl.page')
    .requiredOption('--data <json>', 'the body: JSON, @file, or - for standard input')
    .option('--id <id>', 'your own id; the same id again is the same event')
    .option('--job-id <id>', 'the job it belongs to')
    .option('--task-id <id>', 'the scheduled task it belongs to')
    .option('--time <time>', 'when it happened (ISO 8601; default: now)')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const connection = await Connection.find(options, env);
      const data = await bytesOf(options.data);
      const { id, type, jobId, taskId, time } = options;
      const { tls, apiKey } = connection;
      const address = connection.address('ingestGrpc');
      await using producer = new GrapnelProducer({ address, apiKey, tls, retryForMs: RETRY_FOR_MS });
      try {
        const { eventId, duplicate } = await producer.publish({
          type,
          data,
          ...(id === undefined ? {} : { id }),
          ...(jobId === undefined ? {} : { jobId }),
          ...(taskId === undefined ? {} : { taskId }),
          ...(time === undefined ? {} : { time: timeOf(time) }),
        });
        if (options.json) screen.print(json({ event_id: eventId, duplicate }));
        else screen.print(duplicate ? `${eventId} (was there already)` : eventId);
      } catch (error) {
        throw error instanceof PublishError ? new CommandError(refusal(error, address), { cause: error }) : error;
      }
    });
}

function refusal({ reason, message, violations }: PublishError, address: string): string {
  switch (reason) {
    case 'invalid': {
      const fields = violations.map(({ field, message: text }) => `${field} ${text}`).join('; ');
      return `The event is not valid: ${fields === '' ? message : fields}.`;
    }
    case 'refused':
      return `The event was refused: ${message}.`;
    case 'unavailable':
    case 'closed':
      return `The event was not confirmed by ${address} within ${RETRY_FOR_MS / 1_000} s: ${message}.`;
  }
}

async function bytesOf(data: string): Promise<Uint8Array> {
  if (data === '-') return buffer(process.stdin);
  if (!data.startsWith('@')) return Buffer.from(data);
  const path = data.slice(1);
  try {
    return await readFile(path);
  } catch (error) {
    throw new CommandError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error });
  }
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new CommandError(`--time is "${text}"; it may be a time in ISO 8601.`);
  return time;
}
