// The code that docs/receivers.md offers is run as it is printed there.
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { newStandardSecret } from '@grapnel/domain/security/standard-webhooks';
import { repositoryRoot } from '@grapnel/testkit/repository';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GO_BUILD_TIMEOUT_MS, goBuild } from './go-build.ts';
import { AWKWARD, MESSAGE_RECEIVED, PAGE, SCRAPE_COMPLETED } from './payloads.ts';
import { type Order, type SignedRequest, signedRequest } from './signed-request.ts';
import { installedProgramOf, testedTools } from './tools.ts';

const SCHEMES = [
  { scheme: 'hex', heading: '## By hand: `sha256=` in hex' },
  { scheme: 'standard', heading: '## By hand: Standard Webhooks' },
] as const;

type Language = 'js' | 'python' | 'go';

interface Case {
  readonly scheme: 'hex' | 'standard';
  /** In base64. */
  readonly body: string;
  readonly headers: { readonly id: string | null; readonly timestamp: string | null };
  readonly signature: string | null;
  readonly secrets: readonly string[];
  /** Seconds. */
  readonly now: number;
}

/** The one block of a language under a heading. */
function codeBlock(document: string, heading: string, language: Language): string {
  const [, section = ''] = document.split(`\n${heading}\n`);
  const blocks = [...(section.split('\n## ')[0] ?? '').matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const [found, ...more] = blocks.filter((block) => block[1] === language);
  if (found?.[2] === undefined || more.length > 0) throw new Error(`"${heading}" must have one ${language} block`);
  return found[2];
}

const NOW = Date.parse('2026-01-27T10:00:00Z');
const entropy = (fill: number) => (bytes: number) => new Uint8Array(bytes).fill(fill);
const STANDARD = { newer: newStandardSecret('v1', entropy(1)), older: newStandardSecret('v1', entropy(2)) };
const HEX = { newer: 'ab'.repeat(32), older: 'cd'.repeat(32) };

function caseOf(scheme: Case['scheme'], { body, headers }: SignedRequest, secrets: readonly string[]): Case {
  const signature = Object.entries(headers).find(([name]) => name.toLowerCase().endsWith('-signature'))?.[1] ?? null;
  const ids = { id: headers['webhook-id'] ?? null, timestamp: headers['webhook-timestamp'] ?? null };
  return { scheme, body: Buffer.from(body).toString('base64'), headers: ids, signature, secrets, now: NOW / 1_000 };
}

const otherBody = (given: Case): Case => ({
  ...given,
  body: Buffer.concat([Buffer.from(given.body, 'base64'), Buffer.from(' ')]).toString('base64'),
});

/** What is asked of the code, and what it must say. */
function casesOf(scheme: Case['scheme']): [name: string, given: Case, expected: boolean][] {
  const { newer, older } = scheme === 'hex' ? HEX : STANDARD;
  const signed = (order: Omit<Order, 'secrets' | 'now'>, secrets = [newer]): SignedRequest =>
    signedRequest({ ...order, secrets, now: NOW });
  const requests: readonly [SignedRequest, ...SignedRequest[]] =
    scheme === 'hex'
      ? [
          signed({ profile: 'anycrawl', type: 'scrape.completed', data: SCRAPE_COMPLETED }),
          signed({ profile: 'firecrawl', type: 'crawl.page', data: PAGE }),
          signed({ profile: 'groupgm', type: 'message.received', data: MESSAGE_RECEIVED }),
          signed({ profile: 'template', type: 'crawl.page', data: AWKWARD }),
        ]
      : [
          signed({ profile: 'standard', type: 'crawl.page', data: PAGE }),
          signed({ profile: 'standard', type: 'crawl.page', data: AWKWARD }, [newer, older]),
        ];
  const first = caseOf(scheme, requests[0], [newer]);
  const general: [string, Case, boolean][] = [
    ...requests.map((request, i): [string, Case, boolean] => [
      `delivery ${i + 1}`,
      caseOf(scheme, request, [newer]),
      true,
    ]),
    ['a receiver with two secrets', { ...first, secrets: [older, newer] }, true],
    ['another secret', { ...first, secrets: [older] }, false],
    ['no secret', { ...first, secrets: [] }, false],
    ['another body', otherBody(first), false],
    ['no signature', { ...first, signature: null }, false],
    ['an empty signature', { ...first, signature: '' }, false],
    ['a short signature', { ...first, signature: first.signature?.slice(0, -1) ?? null }, false],
  ];
  if (scheme === 'hex') return general;
  const { id, timestamp } = first.headers;
  return [
    ...general,
    ['two signatures', { ...first, signature: `v1,AAAA ${first.signature}` }, true],
    ['five minutes later', { ...first, now: first.now + 300 }, true],
    ['later than that', { ...first, now: first.now + 301 }, false],
    ['a time in the future', { ...first, now: first.now - 301 }, false],
    ['another id', { ...first, headers: { id: 'msg_other', timestamp } }, false],
    ['no id', { ...first, headers: { id: null, timestamp } }, false],
    ['no time', { ...first, headers: { id, timestamp: null } }, false],
    ['a time that is none', { ...first, headers: { id, timestamp: `${timestamp}x` } }, false],
  ];
}

/** Runs a program with the cases as its input. */
async function answersOf(program: string, args: readonly string[], cases: readonly Case[]): Promise<unknown> {
  const child = spawn(program, args, { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  child.stdin.end(JSON.stringify(cases));
  const [out, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (out === '') throw new Error(`${program} answered nothing: ${complaints}`);
  return JSON.parse(out);
}

const languages: readonly Language[] = ['js', ...testedTools()];

describe.each(languages)('docs/receivers.md in %s', (language) => {
  const left = new AsyncDisposableStack();
  let command: readonly [program: string, ...args: string[]];

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'grapnel-document-'));
    left.defer(() => rm(folder, { recursive: true, force: true }));
    command = await prepare(language, folder);
  }, GO_BUILD_TIMEOUT_MS + 60_000);
  afterAll(() => left.disposeAsync());

  it.each(
    SCHEMES.map(({ scheme }) => [scheme === 'hex' ? 'AC-14 FC-07 GG-04 TH-10 hex' : 'ST-01 ST-02 standard', scheme]),
  )(
    '%s: accepts our deliveries and nothing else',
    async (_name, scheme) => {
      const cases = casesOf(scheme);
      const [program, ...args] = command;
      const answers = await answersOf(
        program,
        args,
        cases.map(([, given]) => given),
      );
      const named = (values: readonly unknown[]): unknown => cases.map(([name], i) => [name, values[i]]);
      expect(named(answers as unknown[])).toEqual(named(cases.map(([, , expected]) => expected)));
    },
    60_000,
  );
});

/** Puts the document's code and what drives it into `folder`; returns how to run it. */
async function prepare(language: Language, folder: string): Promise<readonly [string, ...string[]]> {
  const document = await readFile(join(repositoryRoot, 'docs/receivers.md'), 'utf8');
  const write = async (extension: string, at = folder): Promise<void> => {
    await mkdir(at, { recursive: true });
    for (const { scheme, heading } of SCHEMES) {
      await writeFile(join(at, `${scheme}.${extension}`), codeBlock(document, heading, language));
    }
  };
  const drive = async (driver: string): Promise<string> => {
    await copyFile(join(import.meta.dirname, 'drivers', driver), join(folder, driver));
    return join(folder, driver);
  };
  switch (language) {
    case 'js':
      await write('mjs');
      return [process.execPath, await drive('driver.mjs')];
    case 'python':
      await write('py');
      return [await installedProgramOf('python'), await drive('driver.py')];
    case 'go':
      await write('go', join(folder, 'webhooks'));
      await drive('driver.go');
      await writeFile(join(folder, 'go.mod'), 'module document\n\ngo 1.19\n');
      return [await goBuild(folder)];
  }
}
