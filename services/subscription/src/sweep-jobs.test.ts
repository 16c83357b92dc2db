import { DEFAULTS } from '@grapnel/domain/webhook/config';
import type { Status, Webhook } from '@grapnel/domain/webhook/webhook';
import { describe, expect, it } from 'vitest';
import { dueCommand } from './sweep-jobs.ts';

const ACTIVE: Status = { kind: 'active' };
const RETIRED: Status = { kind: 'inactive', reason: 'retired', since: 5, detail: 'its job has ended' };

const webhook = (jobId: string | null, status: Status, updatedAt: number): Webhook => ({
  id: 'wh_00000000000000000000000001',
  tenant: 'acme',
  config: { ...DEFAULTS, name: 'n', url: 'https://example.com', eventTypes: ['*'], jobId },
  secrets: [],
  status,
  health: { consecutiveFailures: 0, coveredSequence: 0 },
  lastAutoDisabledAt: null,
  createdAt: 0,
  updatedAt,
});

describe('webhooks of jobs', () => {
  it('FC-06 are retired when the job never ended, and go when they have been retired for long', () => {
    expect(dueCommand(webhook('job', ACTIVE, 10), 10)).toBe('retire');
    expect(dueCommand(webhook('job', RETIRED, 10), 10)).toBe('delete');
  });

  it('FC-06 stay while they are young; webhooks of no job stay for ever', () => {
    expect(dueCommand(webhook('job', ACTIVE, 11), 10)).toBeNull();
    expect(dueCommand(webhook('job', RETIRED, 11), 10)).toBeNull();
    expect(dueCommand(webhook(null, ACTIVE, 0), 10)).toBeNull();
  });
});
