import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { Test } from '@nestjs/testing';
import type { OriginFields } from '../core/run-origin.js';
import type { RunEvent } from '../core/events.js';
import { EventBus } from './event-bus.js';
import { EventsModule } from './events.module.js';
import type { WebhookEvent } from '../core/webhook-event.js';
import { OnRunEvent } from './on-run-event.decorator.js';
import { OnWebhookEvent } from './on-webhook-event.decorator.js';

const event = (id: number, type: 'run.finished' | 'sub-task.started', runId = 'r1'): RunEvent =>
  ({
    id,
    type,
    runId,
    task: 'task',
    time: '',
    subTask: 'a',
    attempt: 1,
    data: { status: 'succeeded' },
  }) as unknown as RunEvent;

/** Committed events, of runs that know their request by their id. */
const committed = (...events: readonly RunEvent[]) =>
  events.map((one) => ({ event: one, run: { originFields: { requestId: `of ${one.runId}` } } }));

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('EventBus', () => {
  test('tells who watches all runs of each turn’s events together, until they are content', async () => {
    const bus = new EventBus(new EventEmitter2());
    const seen: number[][] = [];
    const end = bus.watchAll((events) => void seen.push(events.map(({ id }) => id)));
    bus.publish(committed(event(1, 'sub-task.started'), event(2, 'sub-task.started', 'r2')));
    bus.publish(committed(event(3, 'run.finished')));
    await nextTurn();
    end();
    bus.publish(committed(event(4, 'run.finished')));
    await nextTurn();
    expect(seen).toEqual([[1, 2, 3]]);
  });

  test('tells listeners in a later turn, so that they cost the reply nothing', async () => {
    const emitter = new EventEmitter2();
    const seen: number[] = [];
    emitter.on('run.finished', ({ id }: RunEvent) => seen.push(id));
    new EventBus(emitter).publish(committed(event(1, 'run.finished'), event(2, 'run.finished')));
    expect(seen).toEqual([]);
    await nextTurn();
    expect(seen).toEqual([1, 2]);
  });

  test('tells listeners where a run came from', async () => {
    const emitter = new EventEmitter2();
    const told: unknown[] = [];
    emitter.on('run.finished', ({ id }: RunEvent, { requestId }: OriginFields) => told.push([id, requestId]));
    new EventBus(emitter).publish(committed(event(1, 'run.finished'), event(2, 'run.finished', 'r2')));
    await nextTurn();
    expect(told).toEqual([
      [1, 'of r1'],
      [2, 'of r2'],
    ]);
  });
});

describe('a listener that was put on the emitter itself', () => {
  test('takes no event from others when it throws', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const emitter = new EventEmitter2();
    const seen: number[] = [];
    emitter.on('sub-task.started', () => {
      throw new Error('thrown');
    });
    emitter.on('run.finished', ({ id }: RunEvent) => seen.push(id));
    new EventBus(emitter).publish(committed(event(1, 'sub-task.started'), event(2, 'run.finished')));
    await nextTurn();
    expect(seen).toEqual([2]);
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ msg: expect.stringContaining('event 1') }));
    jest.restoreAllMocks();
  });
});

describe('a listener', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('that throws, rejects or never returns is logged by name with the event, and disturbs no other', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const heard: number[] = [];

    @Injectable()
    class Faulty {
      @OnRunEvent('run.finished')
      throws(): void {
        throw new Error('thrown');
      }
      @OnRunEvent('run.finished')
      async rejects(): Promise<void> {
        await Promise.reject(new Error('rejected'));
      }
      @OnRunEvent('run.finished')
      hangs(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    @Injectable()
    class Sound {
      @OnRunEvent('run.finished', 'sub-task.started')
      hears({ id }: RunEvent<'run.finished' | 'sub-task.started'>): void {
        heard.push(id);
      }
    }
    const module = await Test.createTestingModule({
      imports: [EventsModule],
      providers: [Faulty, Sound],
    }).compile();
    await module.init();
    module
      .get(EventBus)
      .publish(committed(event(1, 'sub-task.started'), event(2, 'run.finished'), event(3, 'run.finished')));
    await nextTurn();
    await nextTurn();
    expect(heard).toEqual([1, 2, 3]);
    expect(logged.mock.calls.map(([line]) => (line as { msg: string }).msg).sort()).toEqual([
      'Listener Faulty.rejects failed on run.finished (event 2)',
      'Listener Faulty.rejects failed on run.finished (event 3)',
      'Listener Faulty.throws failed on run.finished (event 2)',
      'Listener Faulty.throws failed on run.finished (event 3)',
    ]);
    await module.close();
  });

  test('of webhooks hears what it names, in a later turn, and a fault of one is logged with the webhook', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const heard: string[] = [];

    @Injectable()
    class Pager {
      @OnWebhookEvent('webhook.paused')
      pages({ webhook, reason }: WebhookEvent<'webhook.paused'>): void {
        heard.push(`${webhook} ${reason}`);
      }
      @OnWebhookEvent('webhook.paused', 'webhook.failing')
      throws(): void {
        throw new Error('thrown');
      }
    }
    const module = await Test.createTestingModule({ imports: [EventsModule], providers: [Pager] }).compile();
    await module.init();
    module
      .get(EventBus)
      .publishWebhook({ kind: 'webhook.paused', webhook: 'w1', url: 'https://a.example/', reason: 'gone' });
    expect(heard).toEqual([]);
    await nextTurn();
    expect(heard).toEqual(['w1 gone']);
    expect(logged.mock.calls.map(([line]) => (line as { msg: string }).msg)).toEqual([
      'Listener Pager.throws failed on webhook.paused (w1)',
    ]);
    await module.close();
  });
});
