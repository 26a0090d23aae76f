import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Measures } from '../core/measures.js';
import { MemoryBudget } from '../core/memory-budget.js';
import type { WebhookEvent } from '../core/webhook-event.js';
import { EventBus } from '../events/event-bus.js';
import { OnWebhookEvent } from '../events/on-webhook-event.decorator.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import type { OurMeter, Tell } from './instruments.js';
import { openTelemetry } from './open-telemetry.js';
import { Recorder } from './recorder.js';

/** The name of the meter. */
const SCOPE = 'frontrunner';

/** Records metrics in all existing meters. Without a meter, nothing is counted, and nothing listens to events. */
@Injectable()
export class Telemetry implements OnModuleInit, OnApplicationShutdown {
  /** Functions that report current values when a meter is read. */
  readonly states: ((tell: Tell) => void)[] = [];
  /** Whether meters are read once more when the application is closed. */
  outlived = false;
  private readonly ends: (() => void)[] = [];

  constructor(
    private readonly bus: EventBus,
    private readonly journal: Journal,
    private readonly measures: Measures,
    private readonly runs: Runs,
    private readonly memory: MemoryBudget,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.states.push((tell) => {
      this.tellState(tell);
    });
    if (journal.groups)
      journal.groups.onCommitted = (tookMs, events) => {
        for (const hearer of measures.hearers) hearer.committed(tookMs, events);
      };
  }

  /** Looks for a meter before any run is accepted or resumed. A meter that is registered later isn’t found. */
  async onModuleInit(): Promise<void> {
    const api = await openTelemetry();
    const meter = api?.metrics.getMeter(SCOPE);
    if (meter && meter !== api?.createNoopMeter()) this.record(meter);
  }

  onApplicationShutdown(): void {
    if (!this.outlived) for (const end of this.ends) end();
  }

  @OnWebhookEvent('webhook.delivered', 'webhook.failing')
  attempted(event: WebhookEvent<'webhook.delivered' | 'webhook.failing'>): void {
    for (const hearer of this.measures.hearers) hearer.attempted(event);
  }

  /** Records in a meter from now on. */
  record(meter: OurMeter): void {
    const { bus, measures } = this;
    const recorder = new Recorder(meter, (tell) => {
      for (const state of this.states) state(tell);
    });
    const unwatch = bus.watchOwn(recorder.hear);
    measures.hearers = [...measures.hearers, recorder];
    this.ends.push(() => {
      unwatch();
      recorder.end();
    });
  }

  private tellState(tell: Tell): void {
    const { journal, measures, runs, memory } = this;
    const { active, queued } = runs.counts;
    const { groups } = journal;
    const limit = this.config.MAX_CONCURRENT_SUB_TASKS;
    tell('frontrunner.runs.active', active);
    tell('frontrunner.runs.queued', queued);
    tell('frontrunner.slots.used', limit - runs.execution.slots.freeCount);
    tell('frontrunner.slots.limit', limit);
    if (groups) tell('frontrunner.journal.pending', groups.pending);
    tell('frontrunner.journal.writable', journal.obstacle ? 0 : 1);
    tell('frontrunner.memory.budget.used', memory.used);
    tell('frontrunner.memory.budget.limit', memory.limitBytes);
    tell('frontrunner.stream.readers', measures.streams);
    tell('frontrunner.stream.dropped', measures.cutOff);
    if (!journal.sharing) return;
    tell('frontrunner.node.takeovers', measures.takeovers);
    const ageMs = performance.now() - measures.lastBeatAt;
    if (ageMs !== Infinity) tell('frontrunner.node.heartbeat.age', ageMs / 1000);
    if (measures.deadLetters !== undefined) tell('frontrunner.deadletters', measures.deadLetters);
  }
}
