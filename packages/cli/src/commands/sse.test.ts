import { describe, expect, it } from 'vitest';
import { SseParser } from './sse.ts';

const STREAM =
  'retry: 3000\n: connected\n\nid: 7\nevent: delivery\ndata: {"a":"é"}\n\n: heartbeat\n\nid: 8\r\ndata:x\r\ndata: y\r\n\r\nid: 9\ndata: half';

describe('server-sent events', () => {
  it('are the same wherever the bytes are cut', () => {
    const bytes = Buffer.from(STREAM);
    for (const size of [1, 2, 7, bytes.length]) {
      const parser = new SseParser();
      const messages = [];
      for (let at = 0; at < bytes.length; at += size) messages.push(...parser.push(bytes.subarray(at, at + size)));
      expect(messages).toEqual([
        { id: '7', event: 'delivery', data: '{"a":"é"}' },
        { id: '8', event: 'message', data: 'x\ny' },
      ]);
    }
  });
});
