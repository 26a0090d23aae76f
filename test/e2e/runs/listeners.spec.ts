import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import type { RunEvent } from '../../../src/core/events.js';
import { OnRunEvent } from '../../../src/events/on-run-event.decorator.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { TestApp } from '../../support/test-app.js';

const race = new ControlledTask('race', { fast: {}, slow: {} });
/** What each listener was told, in order. */
const told: { readonly runId: string; readonly what: string }[] = [];

@Injectable()
class BadListener {
  @OnRunEvent('run.started', 'sub-task.succeeded', 'run.replied', 'run.finished')
  throws({ type, runId }: RunEvent): void {
    told.push({ runId, what: `throws ${type}` });
    throw new Error('thrown by a listener');
  }

  @OnRunEvent('sub-task.succeeded', 'run.finished')
  async rejects({ type, runId }: RunEvent): Promise<void> {
    told.push({ runId, what: `rejects ${type}` });
    throw new Error('rejected by a listener');
  }

  @OnRunEvent('sub-task.succeeded', 'run.finished')
  never({ type, runId }: RunEvent): Promise<void> {
    told.push({ runId, what: `never ${type}` });
    return new Promise(() => undefined);
  }
}

@Injectable()
class GoodListener {
  @OnRunEvent('sub-task.succeeded', 'run.finished')
  async tell(event: RunEvent<'sub-task.succeeded' | 'run.finished'>): Promise<void> {
    told.push({ runId: event.runId, what: `good ${event.type}` });
  }
}

@Module({ providers: [GoodListener] })
class GoodModule {}

describe('a listener that throws, rejects or never ends', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ providers: [BadListener, ...race.providers], imports: [GoodModule] });
  });
  afterAll(() => service.close());

  test('costs neither the reply, nor the run, nor the other listeners anything, and is logged', async () => {
    const pending = service.answer('race');
    const { fast, slow } = await race.all();
    fast.succeed('won');
    const { runId, result, background } = await pending;
    expect({ result, background }).toEqual({ result: 'won', background: ['slow'] });
    slow.succeed('late');
    const run = await service.finishedRun(runId);
    expect(run).toMatchObject({ status: 'succeeded', subTasks: [{ result: 'won' }, { result: 'late' }] });

    const each = ['throws', 'rejects', 'never', 'good'];
    expect(told.filter((one) => one.runId === runId).map(({ what }) => what)).toEqual([
      'throws run.started',
      ...each.map((listener) => `${listener} sub-task.succeeded`),
      'throws run.replied',
      ...each.map((listener) => `${listener} sub-task.succeeded`),
      ...each.map((listener) => `${listener} run.finished`),
    ]);
    const messages = service.log.messagesOf(runId);
    expect(messages.filter((msg) => msg.endsWith('done'))).toEqual(['fast done', 'slow done']);
  });

  test('is logged as an error with its name, the event and what it threw', async () => {
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    slow.succeed();
    const { runId } = await answer;
    const { id } = await service.event(runId, 'sub-task.succeeded', 'slow');
    fast.succeed();
    await service.event(runId, 'run.finished');
    await service.answer('demo');
    const errors = service.log.lines.filter((line) => line.level === 'error' && line.runId === runId);
    expect(errors).toEqual(
      expect.arrayContaining([
        {
          level: 'error',
          msg: `Listener BadListener.throws failed on sub-task.succeeded (event ${id})`,
          runId,
          task: 'race',
          requestId: expect.any(String),
          subTask: 'slow',
          err: new Error('thrown by a listener'),
        },
        expect.objectContaining({
          msg: `Listener BadListener.rejects failed on sub-task.succeeded (event ${id})`,
          err: new Error('rejected by a listener'),
        }),
        expect.objectContaining({ msg: expect.stringContaining('BadListener.throws failed on run.replied') }),
      ]),
    );
    expect(errors).toHaveLength(8);
  });
});
