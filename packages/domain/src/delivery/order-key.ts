import type { Delivery } from './delivery.ts';

/**
 * What deliveries of one webhook share that leave one after another: the event's job, else its task. Events with neither form
 * one sequence together.
 */
export function orderKeyOf({ jobId, taskId }: Pick<Delivery, 'jobId' | 'taskId'>): string {
  if (jobId !== null) return `job:${jobId}`;
  return taskId === null ? 'webhook' : `task:${taskId}`;
}
