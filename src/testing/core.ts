import { randomBytes } from 'node:crypto';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KeptBreakers } from '../breakers/kept-breakers.js';
import type { Config } from '../config/config.js';
import { systemClock, type Clock } from '../core/clock.js';
import type { RunEvent } from '../core/events.js';
import { Measures } from '../core/measures.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { WebhookMeans } from '../core/webhook-means.js';
import { Seal } from '../core/seal.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal } from '../journal/memory/memory-journal.js';
import { Execution } from '../run/execution.js';
import type { ReplyTimes } from '../run/reply-times.js';
import { Runs } from '../run/runs.js';
import { StartPlans } from '../run/start-plans.js';
import { CoalescedRuns } from '../tasks/coalesced-runs.js';
import { HeldKeys } from '../tasks/held-keys.js';
import { IdempotentRuns } from '../tasks/idempotent-runs.js';
import { PastReplies } from '../tasks/past-replies.js';
import { RecordedRuns } from '../tasks/recorded-runs.js';
import { Recovery } from '../tasks/recovery.js';
import { RunControl } from '../tasks/run-control.js';
import { RunReplies } from '../tasks/run-replies.js';
import { RunWatch } from '../tasks/run-watch.js';
import { RunWebhooks } from '../tasks/run-webhooks.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { TasksService } from '../tasks/tasks.service.js';

/** How long idempotency keys are kept. */
const RETENTION_MS = 24 * 3_600_000;

interface CoreOptions {
  /** Default: undefined, as when too few reply times are known. */
  readonly replyTime?: ReplyTimes['replyTime'];
  /** Default: the declared order, as when nothing is learnt yet. */
  readonly learntOrder?: ReplyTimes['learntOrder'];
  /** Counts the memory of runs, without that of the journal. Default: without a bound. */
  readonly memory?: MemoryBudget;
  readonly clock?: Clock;
}

const nothingLearnt: ReplyTimes['learntOrder'] = ({ subTasks }) => {
  const order = subTasks.map(({ name }) => name);
  return { order, leastKnown: order, allKnown: false };
};

/** The parts of the service that a run needs, with a journal in memory. They are made without Nest, which takes longer than a test. */
export function createCore(
  config: Config,
  registry: TaskRegistry,
  {
    replyTime = () => undefined,
    learntOrder = nothingLearnt,
    memory = new MemoryBudget(),
    clock = systemClock,
  }: CoreOptions = {},
) {
  const events: RunEvent[] = [];
  const watchers = new Set<() => void>();
  const bus = new EventBus(new EventEmitter2());
  const publish = bus.publish.bind(bus);
  bus.publish = (published) => {
    for (const { event } of published) events.push(event);
    publish(published);
    for (const watcher of watchers) watcher();
  };
  const soon = (commit: () => void): void => {
    void Promise.resolve().then(commit);
  };
  const journal = new MemoryJournal(bus, RETENTION_MS, undefined, soon, clock);
  const breakers = new KeptBreakers(journal, registry, clock);
  const execution = new Execution(config, journal, memory, clock, null, breakers);
  const runs = new Runs(config, execution, new StartPlans({ replyTime, learntOrder }));
  const watch = new RunWatch(runs, journal, bus);
  const recorded = new RecordedRuns(registry);
  const recovery = new Recovery(runs, journal, recorded);
  const control = new RunControl(runs, journal, recovery, recorded, watch);
  // Nothing is sent from here, so a missing secret doesn't matter.
  const means = new WebhookMeans(config.WEBHOOK_ORIGINS, true, true);
  const webhooks = new RunWebhooks(registry, new Seal([randomBytes(32)]), journal, means);
  const idempotent = new IdempotentRuns(journal);
  const replies = new RunReplies(runs, recovery, watch, journal);
  const past = new PastReplies(journal, watch);
  const held = new HeldKeys(runs, journal, watch, replies, past);
  const measures = new Measures();
  const coalesced = new CoalescedRuns(runs, held, past, measures);
  const tasks = new TasksService(
    registry,
    runs,
    idempotent,
    watch,
    webhooks,
    replies,
    coalesced,
    past,
    measures,
  );
  /** Resolves when everything that needs no time has happened: nothing was recorded in two turns of the event loop. */
  const settle = async (): Promise<void> => {
    let seen: number;
    do {
      seen = events.length;
      await nextTurn();
      await nextTurn();
    } while (seen !== events.length);
  };
  return {
    events,
    watchers,
    bus,
    journal,
    breakers,
    runs,
    watch,
    webhooks,
    recorded,
    control,
    tasks,
    settle,
  };
}

export type Core = ReturnType<typeof createCore>;
