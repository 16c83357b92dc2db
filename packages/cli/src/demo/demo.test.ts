import { describe, expect, it } from 'vitest';
import { crawl, factOf } from './crawl.ts';
import { moodFor } from './mood.ts';
import { quantile, Receipts } from './receipts.ts';

const steps = [...crawl('job-1', 300, Date.UTC(2026, 0, 27))];

describe('the demo', () => {
  it('AC-21 plays a crawl in the shapes of AnyCrawl', () => {
    const dataOf = (type: string): object => steps.find(({ event }) => event.type === type)?.event.data as object;
    expect(steps.filter(({ event }) => event.type === 'crawl.page')).toHaveLength(300);
    expect(Object.keys(dataOf('crawl.created'))).toEqual(['job_id', 'url', 'status']);
    expect(Object.keys(dataOf('crawl.completed'))).toEqual([
      'job_id',
      'url',
      'status',
      'total',
      'succeeded',
      'failed',
      'started_at',
      'finished_at',
    ]);
    expect(Object.keys(dataOf('scrape.completed'))).toEqual([
      'job_id',
      'status',
      'url',
      'total',
      'completed',
      'failed',
      'credits_used',
      'created_at',
      'completed_at',
    ]);
    expect(Object.keys(dataOf('scrape.failed'))).toEqual([
      'job_id',
      'status',
      'url',
      'error_message',
      'credits_used',
      'created_at',
      'completed_at',
    ]);
    expect(Object.keys(dataOf('task.executed'))).toEqual([
      ...['task_id', 'task_name', 'execution_id', 'execution_number', 'status', 'job_id', 'credits_used'],
      ...['scheduled_for', 'completed_at'],
    ]);
  });

  it('tells every event apart by its body', () => {
    expect(new Set(steps.map(({ fact }) => fact)).size).toBe(steps.length);
    expect(new Set(steps.map(({ event }) => event.id)).size).toBe(steps.length);
    for (const { event, fact } of steps) expect(factOf(event.type, event.data as Record<string, unknown>)).toBe(fact);
  });

  it('has a customer who fails now and then, in the same places each time', () => {
    const moods = steps.map(({ fact }) => moodFor(fact, 1));
    const count = (mood: string): number => moods.filter((one) => one === mood).length;
    expect(steps.map(({ fact }) => moodFor(fact, 1))).toEqual(moods);
    for (const mood of ['error', 'silence', 'not found']) expect(count(mood)).toBeGreaterThan(0);
    expect(count('accept')).toBeGreaterThan(250);
    const third = steps.map(({ fact }) => moodFor(fact, 3));
    expect(third.every((mood) => mood === 'accept' || mood === 'not found')).toBe(true);
  });

  it('counts duplicates apart from retries', () => {
    const receipts = new Receipts('job-1');
    receipts.publishing('crawl.page 1', 1_000);
    expect(receipts.arrived('dlv_1', 'crawl.page 1', 1_020)).toBe(1);
    expect(receipts.arrived('dlv_1', 'crawl.page 1', 2_000)).toBe(2);
    receipts.accept('dlv_1');
    expect(receipts.arrived('dlv_1', 'crawl.page 1', 3_000)).toBe(3);
    expect(receipts).toMatchObject({ retries: 1, duplicates: 1, accepted: 1, latencies: [20] });
  });

  it('has quantiles', () => {
    expect(quantile([], 0.5)).toBeNull();
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([3, 1, 2], 0.99)).toBe(3);
  });
});
