import type { DeliveryView, ReportView } from '../../src/webhooks/deliveries.schemas.js';
import type { WebhookView } from '../../src/webhooks/webhooks.schemas.js';

const RUN_ID = '019abc5e-9a0e-7b5c-8c0e-1d2f3a4b5c6d';
/** What the API answers about webhooks. */
export const WEBHOOK: WebhookView = {
  id: '019abc5e-0000-7b5c-8c0e-1d2f3a4b5c6d',
  url: 'https://hooks.example.com/frontrunner',
  description: 'Results for the billing of acme',
  events: ['run.replied', 'run.finished'],
  tasks: ['quote'],
  labels: { tenant: 'acme' },
  format: 'event',
  retry: { attempts: 18, delay: '5s', maxDelay: '6h' },
  timeout: '15s',
  state: 'active',
  behind: { events: 0, seconds: 0 },
  waiting: 0,
  dead: 0,
  client: 'billing',
  createdAt: '2026-11-23T12:00:00.000Z',
};
export const PAUSED: WebhookView = {
  ...WEBHOOK,
  id: '019abc5e-1111-7b5c-8c0e-1d2f3a4b5c6d',
  url: 'https://partner.example.org/in',
  description: undefined,
  state: 'paused',
  reason: 'failing',
  since: '2026-11-23T14:00:00.000Z',
  behind: { events: 1_204, seconds: 7_260 },
  dead: 1,
};
export const REPORT: ReportView = {
  at: '2026-11-23T12:00:01.203Z',
  tookMs: 187.4,
  status: 503,
  error: 'status',
  message: 'The answer has the status 503',
  excerpt: 'upstream connect error',
};
export const DELIVERY: DeliveryView = {
  event: 42,
  target: 0,
  runId: RUN_ID,
  task: 'quote',
  type: 'run.finished',
  status: 'dead',
  attempts: 18,
  dueAt: null,
  changedAt: REPORT.at,
  report: REPORT,
  links: { run: `/runs/${RUN_ID}` },
};
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwExampleKey0=';
