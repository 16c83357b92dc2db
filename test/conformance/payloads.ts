/** The examples of the systems' own documentation. */
export const SCRAPE_COMPLETED = {
  job_id: 'job-uuid-1',
  status: 'completed',
  url: 'https://example.com',
  total: 10,
  completed: 10,
  failed: 0,
  credits_used: 5,
  created_at: '2026-01-27T09:00:00.000Z',
  completed_at: '2026-01-27T10:00:00.000Z',
};

export const SCRAPE_FAILED = {
  job_id: 'job-uuid-1',
  status: 'failed',
  url: 'https://example.com',
  error_message: 'Connection timeout',
  credits_used: 3,
  created_at: '2026-01-27T09:00:00.000Z',
  completed_at: '2026-01-27T10:00:00.000Z',
};

export const TASK_EXECUTED = {
  task_id: 'task-uuid-1',
  task_name: 'Daily News Scrape',
  execution_id: 'exec-uuid-1',
  execution_number: 45,
  status: 'completed',
  job_id: 'job-uuid-1',
  credits_used: 5,
  scheduled_for: '2026-01-27T09:00:00.000Z',
  completed_at: '2026-01-27T09:02:15.000Z',
};

export const PAGE = {
  markdown: '# 页面内容……',
  metadata: {
    title: '页面标题',
    description: '页面说明',
    url: 'https://example.com/page',
    statusCode: 200,
    contentType: 'text/html',
    scrapeId: '550e8400-e29b-41d4-a716-446655440001',
    sourceURL: 'https://example.com/page',
    proxyUsed: 'basic',
    cacheState: '命中',
    cachedAt: '2025-09-03T21:11:25.636Z',
    creditsUsed: 1,
  },
};

export const MESSAGE_RECEIVED = {
  channelId: 'C1234567890',
  messageId: 'msg_001',
  sender: { userId: 'U1234567890', displayName: '王小明' },
  type: 'text',
  content: '大家早安!',
};

export const MEMBER_JOINED = { channelId: 'C1234567890', member: { userId: 'U0987654321', displayName: '李小華' } };

export const FILE_UPLOADED = {
  channelId: 'C1234567890',
  messageId: 'msg_002',
  sender: { userId: 'U1234567890', displayName: '王小明' },
  fileType: 'image',
  fileSize: 102_400,
};

/** What breaks receivers that parse a body and print it again, when it is not written as they would. */
export const AWKWARD = {
  text: 'ทดสอบ 😀 "quoted" \\ / </script> \u2028 \u007f \u0001 é',
  numbers: [0, -1, 1.5, 0.1, 1e-7, 1e21, 123_456_789_012, -2.5e-10],
  nothing: [null, false, '', [], {}],
  2: 'keys that look like',
  1: 'indexes',
  nested: { ключ: { '': [[{ deep: true }]] } },
};
