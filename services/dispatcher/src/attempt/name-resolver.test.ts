import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NameResolver } from './name-resolver.ts';

const QUESTION_AT = 12;
const TYPE_A = 1;

/** The name that a DNS question asks for. */
function nameIn(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = QUESTION_AT;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.'), end: at + 1 };
}

/** One address for an A question, none for others. */
function answerTo(question: Buffer, end: number): Buffer {
  const isA = question.readUInt16BE(end) === TYPE_A;
  const head = Buffer.from(question.subarray(0, end + 4));
  head.writeUInt16BE(0x81_80, 2);
  head.writeUInt16BE(isA ? 1 : 0, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  const record = Buffer.from([0xc0, QUESTION_AT, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 93, 184, 215, 14]);
  return isA ? Buffer.concat([head, record]) : head;
}

describe('names of endpoints', () => {
  const server = createSocket('udp4');
  let names: NameResolver;
  let questions: string[] = [];
  beforeAll(async () => {
    server.on('message', (question, from) => {
      const { name, end } = nameIn(question);
      questions.push(name);
      if (!name.startsWith('slow')) server.send(answerTo(question, end), from.port, from.address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    names = new NameResolver({ servers: [`127.0.0.1:${server.address().port}`], timeoutMs: 1_000 });
  });
  afterAll(() => void server.close());

  it('are found while dozens of others have servers that do not answer', async () => {
    let slowEnded = 0;
    const slow = Array.from({ length: 50 }, (_, i) => names.resolve(`slow${i}.example.com`).finally(() => slowEnded++));
    const settled = Promise.allSettled(slow);
    expect(await names.resolve('hooks.example.com')).toEqual([{ address: '93.184.215.14', family: 4 }]);
    expect(slowEnded).toBe(0);
    expect(new Set((await settled).map((each) => (each as PromiseRejectedResult).reason.code))).toEqual(
      new Set(['EAI_AGAIN']),
    );
  });

  it('are asked for once, however many connections are being made', async () => {
    questions = [];
    await Promise.all(Array.from({ length: 20 }, () => names.resolve('once.example.com')));
    expect(questions.filter((name) => name === 'once.example.com').length).toBeLessThanOrEqual(2);
  });

  it('without a dot are the system’s', async () => {
    expect(await names.resolve('localhost')).toContainEqual({ address: '127.0.0.1', family: 4 });
  });
});
