import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { SubTask, TaskOf } from '../index.js';
import { FrontrunnerTesting, frontrunnerMatchers } from './index.js';

@Injectable()
class Greetings {
  of = (language: string): string => ({ en: 'Hello' })[language] ?? '?';
}

@SubTask({ name: 'english', timeout: '1s', retry: { attempts: 2, delay: '100ms' } })
class English {
  constructor(private readonly greetings: Greetings) {}
  run({ name }: { name: string }): string {
    return `${this.greetings.of('en')}, ${name}`;
  }
}

@SubTask({ name: 'spanish' })
class Spanish {
  run = ({ name }: { name: string }): string => `Hola, ${name}`;
}

class Greet extends TaskOf({ name: 'greet', subTasks: [English, Spanish] }) {}
class Hedged extends TaskOf({
  name: 'hedged',
  subTasks: [English, { subTask: Spanish, start: { after: '200ms' } }],
}) {}

@SubTask({ name: 'talk', stream: true })
class Talk {
  async *run(): AsyncGenerator<string> {
    yield 'of the class';
    await Promise.resolve();
  }
}

class Chat extends TaskOf({ name: 'chat', subTasks: [Talk] }) {}

describe('FrontrunnerTesting', () => {
  let fr: FrontrunnerTesting;
  beforeAll(() => {
    expect.extend(frontrunnerMatchers);
  });
  beforeEach(() => {
    fr = FrontrunnerTesting.create({ tasks: [Greet, Hedged], patience: '20ms' });
  });
  afterEach(() => fr.close());

  test('answers with the first stub to succeed, and moves all that a run waits for', async () => {
    fr.stub(English).resolves('Hi').after('50ms');
    fr.stub(Spanish).neverSettles();
    const run = await fr.start(Greet, { name: 'Ada' });
    expect(run).toHaveStatus('running');
    await fr.advance('50ms');
    expect(run).toBeAnsweredBy('english');
    expect(await run.reply()).toMatchObject({ result: 'Hi', background: ['spanish'] });
    expect(fr.calls(English)).toEqual([{ input: { name: 'Ada' }, attempt: 1, runId: run.id }]);
    await fr.advance('60s');
    expect(run).toHaveSubTask('spanish', 'failed');
    expect(await run.finished()).toMatchObject({ status: 'partly-failed' });
  });

  test('streams what a stub does', async () => {
    await using fr = FrontrunnerTesting.create({ tasks: [Chat] });
    fr.stub(Talk).runs(async function* () {
      yield 'a';
      await Promise.resolve();
      yield 'b';
    });
    const seen: string[] = [];
    for await (const chunk of fr.frontrunner.stream(Chat)) seen.push(chunk);
    expect(seen).toEqual(['a', 'b']);
  });

  test('takes webhooks, which the run shows, and sends nothing', async () => {
    fr.stub(English).resolves('Hi');
    const webhooks = [{ url: 'https://hooks.invalid/', events: ['run.finished'] as const }];
    const run = await fr.start(Greet, { name: 'Ada' }, { webhooks });
    expect(run.state.webhooks).toEqual(webhooks);
  });

  test('goes through the behaviours of a stub attempt by attempt, with the waits of its retries', async () => {
    fr.stub(English).rejects(new Error('down')).after('1s').resolves('Hi');
    fr.stub(Spanish).neverSettles();
    const run = await fr.start(Greet, { name: 'Ada' });
    const retrying = run.until('sub-task.retrying', { subTask: 'english', attempt: 1 });
    await fr.advance('1s');
    expect((await retrying).data).toMatchObject({ error: { message: 'down' } });
    await fr.advance('100ms');
    expect(run).toBeAnsweredBy('english');
    expect(run).toHaveAttempts('english', 2);
  });

  test('starts hedges when their time has come', async () => {
    fr.stub(English).neverSettles();
    fr.stub(Spanish).resolves('Hola');
    const run = await fr.start(Hedged, { name: 'Ada' });
    await fr.advance('199ms');
    expect(fr.calls(Spanish)).toEqual([]);
    await fr.advance('1ms');
    expect(await run.replied()).toMatchObject({ data: { reply: { answeredBy: 'spanish' } } });
  });

  test('cancels losers when it is time, and ends the waits of their stubs', async () => {
    fr.stub(English).resolves('Hi');
    fr.stub(Spanish).resolves('Hola').after('5s');
    const run = await fr.start(Greet, { name: 'Ada' }, { losers: { policy: 'cancel-after', after: '2s' } });
    expect(run).toHaveSubTask('spanish', 'running');
    await fr.advance('2s');
    expect(run).toHaveSubTask('spanish', 'cancelled');
    expect(await run.finished()).toMatchObject({ status: 'succeeded' });
  });

  test('says what is unfinished when a test forgets to let time pass', async () => {
    fr.stub(English).resolves('Hi').after('50ms');
    fr.stub(Spanish).neverSettles();
    const run = await fr.start(Greet, { name: 'Ada' });
    await expect(run.reply()).rejects.toThrow(
      "There is no reply: the run is running; english is running, spanish is running. The clock of the test stands still; let time pass: await fr.advance('50ms')",
    );
  });

  test('says what has become of a run that ended without what was waited for', async () => {
    fr.stub(English).resolves('Hi');
    fr.stub(Spanish).resolves('Hola');
    const run = await fr.start(Greet, { name: 'Ada' });
    await expect(run.until('sub-task.retrying')).rejects.toThrow(
      'The run has ended without sub-task.retrying: the run is succeeded, answered by english; english is succeeded, spanish is succeeded',
    );
  });

  test('says what to do when a sub-task can’t be made', async () => {
    await expect(fr.start(Greet, { name: 'Ada' })).rejects.toThrow(
      /Stub them, as in fr\.stub\(English\).*`providers`.*\n.*resolve dependencies of the English/s,
    );
    fr.stub(English).resolves('Hi');
    expect(await fr.start(Greet, { name: 'Ada' })).toBeAnsweredBy('english');
  });

  test('gives sub-tasks without a stub what they inject, and calls the hooks of what it made', async () => {
    const destroyed: string[] = [];
    const greetings = { of: () => 'Hello', onModuleDestroy: () => destroyed.push('greetings') };
    const kit = FrontrunnerTesting.create({
      tasks: [Greet],
      providers: [{ provide: Greetings, useValue: greetings }],
    });
    kit.stub(Spanish).neverSettles();
    const run = await kit.start(Greet, { name: 'Ada' });
    expect(await run.reply()).toMatchObject({ result: 'Hello, Ada', answeredBy: 'english' });
    expect(kit.calls(English)).toMatchObject([{ input: { name: 'Ada' } }]);
    await kit.close();
    expect(destroyed).toEqual(['greetings']);
  });

  test('is what services that start runs are given', async () => {
    fr.stub(English).resolves('Hi');
    fr.stub(Spanish).runs(({ name }) => `Buenas, ${name}`);
    const service = await fr.frontrunner.start(Hedged, { name: 'Ada' });
    expect(await service.reply()).toMatchObject({ answeredBy: 'english' });
    const run = await fr.start(Greet, { name: 'Ada' }, { reply: { policy: 'all' } });
    expect(await run.reply()).toMatchObject({ result: { english: 'Hi', spanish: 'Buenas, Ada' } });
    expect(run).toBeAnsweredBy(['english', 'spanish']);
  });

  test('has a clock and runs of its own', async () => {
    const other = FrontrunnerTesting.create({ tasks: [Greet] });
    const [run, otherRun] = await Promise.all(
      [fr, other].map((kit) => {
        kit.stub(English).resolves('Hi').after('50ms');
        kit.stub(Spanish).neverSettles();
        return kit.start(Greet, { name: 'Ada' });
      }),
    );
    await other.advance('50ms');
    expect(otherRun).toBeAnsweredBy('english');
    expect(run).toHaveStatus('running');
    expect(run).not.toBeAnsweredBy('english');
    await other[Symbol.asyncDispose]();
    expect(otherRun).not.toHaveStatus('running');
  });

  test('lets time pass by itself with a real clock', async () => {
    const kit = FrontrunnerTesting.create({ tasks: [Greet], clock: 'real' });
    kit.stub(English).resolves('Hi').after('1ms');
    kit.stub(Spanish).neverSettles();
    const run = await kit.start(Greet, { name: 'Ada' });
    expect(await run.reply()).toMatchObject({ answeredBy: 'english' });
    await expect(kit.advance('1s')).rejects.toThrow("create the kit with { clock: 'fake' }");
    await kit.close();
  });

  test('cancels what is unfinished when it is closed, and starts nothing more', async () => {
    const aborted: unknown[] = [];
    fr.stub(English).runs((_input, { signal }) => {
      signal.addEventListener('abort', () => aborted.push(signal.aborted));
      return new Promise(() => undefined);
    });
    fr.stub(Spanish).resolves('Hola').after('1h');
    const run = await fr.start(Greet, { name: 'Ada' });
    await fr.close();
    expect(aborted).toEqual([true]);
    expect(run).toHaveStatus('cancelled');
    await expect(fr.start(Greet, { name: 'Ada' })).rejects.toThrow('The test kit is closed');
  });

  test('says what is wrong with a stub', async () => {
    class Other extends English {}
    expect(() => fr.stub(Other)).toThrow(
      'Other is no sub-task of the tested tasks, which have English, Spanish',
    );
    expect(() => fr.stub(English).after('1s')).toThrow('Say first what English does');
    await expect(fr.start(Greet, { name: 'Ada' })).rejects.toThrow(
      'The stub of English has nothing to do; say what: fr.stub(English).resolves(…)',
    );
  });

  test('has matchers that say how the run is', async () => {
    fr.stub(English).rejects(new Error('down'));
    fr.stub(Spanish).resolves('Hola');
    const run = await fr.start(Greet, { name: 'Ada' });
    expect(() => {
      expect(run).toBeAnsweredBy('english');
    }).toThrow(
      'expected the run to be answered by english, but the run is running, answered by spanish; english is retrying, spanish is succeeded',
    );
    expect(() => {
      expect(run).toHaveSubTask('french', 'failed');
    }).toThrow('The run has no sub-task french; it has english, spanish');
    expect(() => {
      expect(fr).toHaveStatus('running');
    }).toThrow('This matcher takes a run: expect(await fr.start(…))');
  });

  test('knows the types of sub-tasks and tasks', () => {
    // @ts-expect-error: English returns a string.
    fr.stub(English).resolves(1);
    // @ts-expect-error: the input has a name.
    fr.stub(English).runs(({ age }) => String(age));
    // @ts-expect-error: Greetings has no method `run`.
    expect(() => fr.stub(Greetings)).toThrow('Greetings is no sub-task');
    const misspelt = (): void => {
      // @ts-expect-error: there is no such status.
      expect({}).toHaveStatus('done');
    };
    expect(misspelt).toThrow('This matcher takes a run');
  });
});
