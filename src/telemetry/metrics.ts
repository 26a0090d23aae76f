/** The type of a metric: a histogram, a counter that only grows, an amount that can be summed over nodes, or a value that can’t. */
export interface MetricType {
  readonly kind: 'histogram' | 'counter' | 'amount' | 'gauge';
  /** The unit in UCUM, as in OpenTelemetry. */
  readonly unit: string;
  readonly attributes: readonly string[];
  readonly description: string;
  /** The upper bounds of the buckets of a histogram. */
  readonly buckets?: readonly number[];
}

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const RUN_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const DELAY_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 1800, 7200, 21600, 86400];
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const BATCH_EVENTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

const histogram = (
  unit: string,
  buckets: readonly number[],
  attributes: readonly string[],
  description: string,
) => ({ kind: 'histogram' as const, unit, buckets, attributes, description });
const counter = (unit: string, attributes: readonly string[], description: string) => ({
  kind: 'counter' as const,
  unit,
  attributes,
  description,
});
const amount = (unit: string, description: string, attributes: readonly string[] = []) => ({
  kind: 'amount' as const,
  unit,
  attributes,
  description,
});
const gauge = (unit: string, description: string, attributes: readonly string[] = []) => ({
  kind: 'gauge' as const,
  unit,
  attributes,
  description,
});

const TASK = 'frontrunner.task';
const SUB_TASK = 'frontrunner.subtask';

/** All metrics. The attributes have few values each: names of tasks, of sub-tasks, of routes and of upstreams, and codes. */
export const METRICS = {
  'http.server.request.duration': histogram(
    's',
    REQUEST_SECONDS,
    ['http.request.method', 'url.scheme', 'http.route', 'http.response.status_code', 'error.type'],
    'How long requests took, until the end of their answer',
  ),
  'http.client.request.duration': histogram(
    's',
    REQUEST_SECONDS,
    ['http.request.method', 'server.address', 'server.port', 'http.response.status_code', 'error.type'],
    'How long requests to upstreams took',
  ),
  'frontrunner.runs.started': counter('{run}', [TASK], 'Runs that were accepted'),
  'frontrunner.run.reply.duration': histogram(
    's',
    RUN_SECONDS,
    [TASK, 'frontrunner.policy', 'frontrunner.winner', 'error.type'],
    'From the start of a run to its reply',
  ),
  'frontrunner.run.duration': histogram(
    's',
    RUN_SECONDS,
    [TASK, 'frontrunner.status'],
    'From the start of a run to its end, background included',
  ),
  'frontrunner.subtask.duration': histogram(
    's',
    RUN_SECONDS,
    [TASK, SUB_TASK, 'frontrunner.outcome', 'error.type'],
    'From the first attempt of a sub-task to its outcome',
  ),
  'frontrunner.subtask.attempts': counter('{attempt}', [TASK, SUB_TASK], 'Attempts that began'),
  'frontrunner.subtask.first_chunk.duration': histogram(
    's',
    RUN_SECONDS,
    [TASK, SUB_TASK],
    'From the start of an attempt that streams to its first chunk that wins',
  ),
  'frontrunner.subtask.cut.chunks': counter(
    '{chunk}',
    [TASK, SUB_TASK, 'frontrunner.outcome'],
    'Chunks of streams that were cancelled, as losers are, or failed',
  ),
  'frontrunner.subtask.cut.size': counter(
    'By',
    [TASK, SUB_TASK, 'frontrunner.outcome'],
    'Size of these chunks',
  ),
  'frontrunner.subtask.cut.tokens': counter(
    '{token}',
    [TASK, SUB_TASK, 'frontrunner.outcome'],
    'Tokens of these chunks, as far as sub-tasks say',
  ),
  'frontrunner.hedges.started': counter(
    '{hedge}',
    [TASK, SUB_TASK],
    'Sub-tasks that started because their time had come',
  ),
  'frontrunner.hedges.held_back': counter(
    '{hedge}',
    [TASK, SUB_TASK],
    'Hedges that were held back by the hedge budget',
  ),
  'frontrunner.requests.shared': counter(
    '{request}',
    [TASK, 'frontrunner.kind'],
    'Requests that the run of another one answers: coalesced, reused, or stale',
  ),
  'frontrunner.shadow.comparisons': counter(
    '{result}',
    [TASK, SUB_TASK, 'frontrunner.outcome'],
    'Shadows beside replies: equal, different, or failed',
  ),
  'frontrunner.runs.active': amount('{run}', 'Unfinished runs that this node executes'),
  'frontrunner.runs.queued': amount('{run}', 'Runs with a sub-task that waits for a slot'),
  'frontrunner.slots.used': amount('{slot}', 'Slots that running sub-tasks hold'),
  'frontrunner.slots.limit': amount('{slot}', 'MAX_CONCURRENT_SUB_TASKS'),
  'frontrunner.journal.commit.duration': histogram(
    's',
    COMMIT_SECONDS,
    [],
    'How long commits took (SQLite, Postgres)',
  ),
  'frontrunner.journal.batch.size': histogram(
    '{event}',
    BATCH_EVENTS,
    [],
    'Events in one commit (SQLite, Postgres)',
  ),
  'frontrunner.journal.pending': amount('{event}', 'Events that wait for their commit'),
  'frontrunner.journal.writable': gauge('', '1 while the journal takes new runs, 0 while it does not'),
  'frontrunner.memory.budget.used': amount('By', 'What counts against MEMORY_BUDGET'),
  'frontrunner.memory.budget.limit': amount('By', 'MEMORY_BUDGET'),
  'frontrunner.stream.readers': amount('{reader}', 'Open event streams'),
  'frontrunner.stream.dropped': counter(
    '{reader}',
    [],
    'Connections that were cut off because their callers read too slowly',
  ),
  'frontrunner.requests.refused': counter(
    '{request}',
    ['frontrunner.reason'],
    'Requests that were refused, by the code of the problem',
  ),
  'frontrunner.node.heartbeat.age': gauge(
    's',
    'How long ago this node was last seen by the database (Postgres)',
  ),
  'frontrunner.node.takeovers': counter('{run}', [], 'Runs that this node took over (Postgres)'),
  'frontrunner.deadletters': gauge('{subtask}', 'Sub-tasks in the dead-letter queue of all nodes (Postgres)'),
  'frontrunner.breaker.state': gauge(
    '',
    'How the breaker of an upstream stands: 0 closed, 1 half-open, 2 open',
    ['frontrunner.upstream'],
  ),
  'frontrunner.breaker.opened': counter(
    '{opening}',
    ['frontrunner.upstream'],
    'How often the breaker of an upstream has opened',
  ),
  'frontrunner.webhook.deliveries': counter(
    '{attempt}',
    ['frontrunner.webhook', 'frontrunner.outcome'],
    'Attempts to deliver an event: delivered, failed, or dead: given up',
  ),
  'frontrunner.webhook.delivery.duration': histogram(
    's',
    REQUEST_SECONDS,
    ['error.type'],
    'How long one attempt to deliver an event took',
  ),
  'frontrunner.webhook.delay': histogram('s', DELAY_SECONDS, [], 'From an event to its delivery'),
  'frontrunner.webhook.paused': gauge('{webhook}', 'Webhooks that are paused', ['frontrunner.reason']),
  'frontrunner.webhook.waiting': gauge('{delivery}', 'Deliveries that wait for an attempt'),
  'frontrunner.webhook.dead': gauge('{delivery}', 'Deliveries that are given up: dead letters'),
  'frontrunner.webhook.behind': gauge('s', 'How long the oldest event waits to be read for webhooks'),
  'nodejs.eventloop.delay.min': gauge('s', 'Least delay of the event loop since the last reading'),
  'nodejs.eventloop.delay.max': gauge('s', 'Greatest delay of the event loop since the last reading'),
  'nodejs.eventloop.delay.mean': gauge('s', 'Mean delay of the event loop since the last reading'),
  'nodejs.eventloop.delay.p50': gauge('s', 'Median delay of the event loop since the last reading'),
  'nodejs.eventloop.delay.p99': gauge(
    's',
    '99th percentile of the delay of the event loop since the last reading',
  ),
  'nodejs.eventloop.utilization': gauge(
    '1',
    'Share of the time in which the event loop was busy, since the last reading',
  ),
  'v8js.memory.heap.used': amount('By', 'Used memory of a space of the heap', ['v8js.heap.space.name']),
  'v8js.memory.heap.limit': amount('By', 'Memory that a space of the heap has taken', [
    'v8js.heap.space.name',
  ]),
} satisfies Record<string, MetricType>;

export type MetricName = keyof typeof METRICS;

/** The names of all metrics of a kind. */
type NamesOf<Kind extends MetricType['kind']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

export type HistogramName = NamesOf<'histogram'>;
export type CounterName = NamesOf<'counter'>;
