import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { Subject } from 'rxjs';
import { breakerTerms } from '../core/breaker.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal } from '../journal/memory/memory-journal.js';
import type { Journal } from '../run/journal.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { FakeClock } from '../testing/fake-clock.js';
import { KeptBreakers } from './kept-breakers.js';

const terms = breakerTerms({ upstream: 'eu', least: 2 })!;

/** The tasks that a node knows: one with one sub-task. */
const registryOf = (breaker = breakerTerms({ upstream: 'eu', least: 2 })): TaskRegistry => {
  const subTasks = [{ name: 'a', breaker } as SubTaskDefinition];
  const task = { name: 'task', subTasks } as unknown as TaskDefinition;
  return { all: () => [task], replaced: new Subject<void>() } as Partial<TaskRegistry> as TaskRegistry;
};

describe('breakers that are kept', () => {
  let clock: FakeClock;
  let journal: Journal;
  const nodes: KeptBreakers[] = [];
  beforeEach(() => {
    clock = new FakeClock();
    journal = new MemoryJournal(new EventBus(new EventEmitter2()), 1, undefined, undefined, clock);
  });
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.onModuleDestroy();
    expect(clock.nextInMs).toBeUndefined();
  });

  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = (ms: number) => clock.advance(ms, settle);
  /** A node that has started. */
  const start = async (tasks = registryOf()) => {
    const node = new KeptBreakers(journal, tasks, clock);
    nodes.push(node);
    await node.onApplicationBootstrap();
    return node;
  };
  const share = () => {
    Object.assign(journal, { sharing: {} });
  };
  const attempt = (node: KeptBreakers, outcome: 'succeeded' | 'failed') => {
    const passage = node.admit(terms, 'task', 'a');
    if ('code' in passage) return passage.code;
    if (outcome === 'succeeded') passage.succeeded();
    else passage.failed({ code: 'timeout', message: '' });
    return undefined;
  };
  const open = async (node: KeptBreakers) => {
    attempt(node, 'failed');
    attempt(node, 'failed');
    await settle();
  };
  const stateOf = (node: KeptBreakers) => node.all().map(({ breaker }) => breaker.state);

  test('are open after a restart as they were before it, and as often probed in vain', async () => {
    const before = await start();
    await open(before);
    await pass(5_000);
    attempt(before, 'failed');
    await settle();
    await pass(4_000);
    const after = await start();
    const [{ breaker } = { breaker: undefined }] = after.all();
    expect(breaker).toMatchObject({ state: 'open', waitMs: 6_000, standing: { failedProbes: 1 } });
    expect(after.isOpen(terms, 'task', 'a')).toBe(true);
    expect(attempt(after, 'succeeded')).toBe('circuit-open');
  });

  test('are closed after a restart where they were closed before it, or nobody has asked for an hour', async () => {
    const before = await start();
    await open(before);
    await pass(5_000);
    attempt(before, 'succeeded');
    await settle();
    expect(stateOf(await start())).toEqual(['closed']);
    await open(before);
    await pass(5_000 + 3_600_000);
    expect(stateOf(await start())).toEqual(['closed']);
  });

  test('open and close on other nodes within a second', async () => {
    share();
    const [one, other] = [await start(), await start()];
    await open(one);
    expect(stateOf(other)).toEqual(['closed']);
    await pass(1_000);
    expect(stateOf(other)).toEqual(['open']);
    await pass(4_000);
    expect(attempt(other, 'succeeded')).toBeUndefined();
    await settle();
    expect(stateOf(one)).toEqual(['half-open']);
    await pass(1_000);
    expect(stateOf(one)).toEqual(['closed']);
  });

  test('stay open when what is kept of them could not be written, and are written with the next beat', async () => {
    share();
    const node = await start();
    const put = jest.spyOn(journal.notes, 'put').mockRejectedValueOnce(new Error('away'));
    await open(node);
    expect(await journal.notes.all('breaker')).toEqual([]);
    await pass(1_000);
    expect(put).toHaveBeenCalledTimes(2);
    expect(await journal.notes.all('breaker')).toMatchObject([{ name: 'eu' }]);
    expect(stateOf(node)).toEqual(['open']);
  });

  test('are not undone by notes that were read before they changed', async () => {
    share();
    const node = await start();
    const { promise, resolve } = Promise.withResolvers<readonly never[]>();
    const all = jest.spyOn(journal.notes, 'all').mockReturnValueOnce(promise);
    await pass(1_000);
    expect(all).toHaveBeenCalledTimes(1);
    await open(node);
    resolve([]);
    await settle();
    expect(stateOf(node)).toEqual(['open']);
  });

  test('close when an operator says so, and stay so', async () => {
    const node = await start();
    await open(node);
    expect(await node.reset('eu')).toBe(true);
    expect(stateOf(node)).toEqual(['closed']);
    expect(await journal.notes.all('breaker')).toEqual([]);
    expect(await node.reset('unknown')).toBe(false);
  });

  test('cost nothing where no sub-task has one', async () => {
    share();
    const all = jest.spyOn(journal.notes, 'all');
    const tasks = registryOf();
    jest.spyOn(tasks, 'all').mockReturnValueOnce([]);
    await start(tasks);
    expect(all).not.toHaveBeenCalled();
    expect(clock.nextInMs).toBeUndefined();
    tasks.replaced.next();
    expect(all).not.toHaveBeenCalled();
    await settle();
    expect(all).toHaveBeenCalledTimes(1);
  });

  test('take no part of a note that another version has written', async () => {
    await journal.notes.put({ kind: 'breaker', name: 'eu', text: '{"v":2}', until: clock.now() + 60_000 });
    expect(stateOf(await start())).toEqual(['closed']);
  });
});
