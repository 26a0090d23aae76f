import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Frontrunner,
  FrontrunnerModule,
  SubTask,
  TaskOf,
  type FrontrunnerOptions,
  type RunEvent,
  type RunHandle,
  type SubTaskContext,
} from '../../../src/index.js';
import { DatabaseFile } from '../../support/database-file.js';
import { HostApp } from '../../support/host-app.js';
import { activeResources, expectNothingLeft } from '../../support/resources.js';

/** Stands for a connection pool of the application. */
@Injectable()
class Pool implements OnModuleDestroy {
  isOpen = true;
  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

@Module({ providers: [Pool], exports: [Pool] })
class PoolModule {}

/** The attempts of `Slow` that are under way. */
let attempts: { attempt: SubTaskContext; finish: () => void }[] = [];
let begun = Promise.withResolvers<undefined>();

@SubTask({ name: 'fast' })
class Fast {
  run = () => 'fast';
}

@SubTask({ name: 'slow' })
class Slow {
  constructor(private readonly pool: Pool) {}
  run(_input: unknown, attempt: SubTaskContext): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    attempts.push({
      attempt,
      finish: () => {
        resolve(this.pool.isOpen ? 'with the pool' : 'the pool is closed');
      },
    });
    begun.resolve(undefined);
    return promise;
  }
}

class Race extends TaskOf({ name: 'race', subTasks: [Slow, Fast] }) {}

class Solo extends TaskOf({ name: 'solo', subTasks: [Fast] }) {}

/** Starts a run before the application around has started. */
@Injectable()
class Early implements OnModuleInit {
  run: RunHandle | undefined;
  constructor(private readonly frontrunner: Frontrunner) {}
  async onModuleInit(): Promise<void> {
    this.run = await this.frontrunner.start(Race);
    await this.run.reply();
  }
}

/** A provider that takes longer to be made than others. */
const LATE = { provide: 'LATE', useFactory: () => new Promise((resolve) => setImmediate(resolve)) };

async function typesOf(
  events: AsyncIterable<RunEvent>,
  hear: (type: string) => void = () => undefined,
): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of events) {
    types.push(type);
    hear(type);
  }
  return types;
}

const imports = (options: FrontrunnerOptions) => [
  PoolModule,
  FrontrunnerModule.forRoot(options),
  { module: class {}, imports: [PoolModule], providers: [Race, Slow, Fast, Early] },
];

describe('the start and the stop of an application with an instance', () => {
  let file: DatabaseFile;
  let before: string[];
  beforeEach(async () => {
    attempts = [];
    begun = Promise.withResolvers();
    file = new DatabaseFile();
    before = await activeResources();
  });
  afterEach(async () => {
    await expectNothingLeft(before);
    file.remove();
  });

  test('a provider may start runs as soon as its module is made', async () => {
    const { app } = await HostApp.start({ imports: imports({ database: 'memory:', shutdownGrace: '0s' }) });
    expect(await app.get(Early).run!.reply()).toMatchObject({ result: 'fast', answeredBy: 'fast' });
    await app.close();
  });

  test('start() is an error before all sub-tasks are made', async () => {
    @SubTask({ name: 'late' })
    class Late {
      constructor(@Inject('LATE') readonly late: unknown) {}
      run = () => this.late;
    }
    class Later extends TaskOf({ name: 'later', subTasks: [Late] }) {}
    const useFactory = async (frontrunner: Frontrunner) => frontrunner.start(Later);
    const starting = HostApp.create({
      imports: [FrontrunnerModule.forRoot({ database: 'memory:' })],
      providers: [{ provide: 'EARLY', inject: [Frontrunner], useFactory }, Later, Late, LATE],
    });
    await expect(starting).rejects.toThrow(
      'Frontrunner was called before the sub-task Late was made; call it from onModuleInit on',
    );
  });

  test('close() waits for a sub-task that runs, within the grace; what it works with is still there', async () => {
    const host = await HostApp.start({ imports: imports({ database: file.url, shutdownGrace: '1h' }) });
    const run = host.app.get(Early).run!;
    await begun.promise;
    const events = typesOf(run.events());
    const closed = host.close();
    await host.log.line(/^Stopping/);
    await expect(host.frontrunner.start(Race)).rejects.toMatchObject({ code: 'stopping' });
    attempts[0]!.finish();
    await closed;
    expect((await events).at(-1)).toBe('run.finished');
    expect(file.unfinishedRuns()).toBe(0);
    expect(file.flaws()).toEqual([]);
    expect(file.bytes()).toContain('with the pool');
  });

  test('close() leaves to the next start what is unfinished after the grace, and tells who reads its events', async () => {
    const host = await HostApp.start({ imports: imports({ database: file.url, shutdownGrace: '1ms' }) });
    const run = host.app.get(Early).run!;
    const replied = Promise.withResolvers<undefined>();
    const all = typesOf(host.frontrunner.events(), (type) => {
      if (type === 'run.replied') replied.resolve(undefined);
    });
    const events = typesOf(run.events()).then(undefined, (error: unknown) => error);
    const finished = run.finished().then(undefined, (error: unknown) => error);
    await Promise.all([begun.promise, replied.promise]);
    await host.close();
    expect(attempts[0]!.attempt.signal.aborted).toBe(true);
    expect(await events).toMatchObject({ code: 'stopping' });
    expect(await finished).toMatchObject({ code: 'stopping' });
    expect(await all).toContain('run.replied');
    expect(file.unfinishedRuns()).toBe(1);

    attempts = [];
    begun = Promise.withResolvers();
    const next = await HostApp.start({
      imports: [PoolModule, FrontrunnerModule.forRoot({ database: file.url })],
      providers: [Race, Slow, Fast],
    });
    await begun.promise;
    expect(attempts[0]!.attempt).toMatchObject({ runId: run.id, attempt: 2 });
    const again = await next.frontrunner.run(run.id);
    expect(await again.reply()).toMatchObject({ result: 'fast' });
    attempts[0]!.finish();
    expect(await again.finished()).toMatchObject({ status: 'succeeded' });
    await next.close();
    expect(file.flaws()).toEqual([]);
  });

  test('an application without HTTP starts, and stops, as well', async () => {
    @Module({ imports: [FrontrunnerModule.forRoot({ database: 'memory:' })], providers: [Fast, Solo] })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    const run = await app.get(Frontrunner).start(Solo);
    expect(await run.reply()).toMatchObject({ result: 'fast' });
    await app.close();
  });

  test.each<[string, (database: string) => ModuleMetadata, string]>([
    [
      'a task whose sub-task no module provides',
      (database) => ({ imports: [FrontrunnerModule.forRoot({ database })], providers: [Solo] }),
      'The task Solo lists the sub-task Fast, which no module provides; add it to the providers of a module',
    ],
    [
      'a file of tasks that is not there',
      (database) => ({
        imports: [
          FrontrunnerModule.forRoot({ database, http: true }),
          FrontrunnerModule.forFile('nowhere.yaml'),
        ],
      }),
      'nowhere.yaml',
    ],
    [
      'a database that can’t be opened',
      () => ({ imports: [FrontrunnerModule.forRoot({ database: 'sqlite:/dev/null/app.db' })] }),
      'database: ',
    ],
    [
      'options of a provider that are wrong',
      (database) => ({
        imports: [
          FrontrunnerModule.forRootAsync({ useFactory: () => ({ database, shutdownGrace: 'soon' }) }),
        ],
      }),
      'shutdownGrace is "soon"; it takes',
    ],
  ])('init() rejects, and leaves nothing open: %s', async (_what, metadata, message) => {
    const failed = await HostApp.create(metadata(file.url));
    await expect(failed.app.init()).rejects.toThrow(message);
    // A journal that is still open has the file for itself.
    const next = await HostApp.start({ imports: [FrontrunnerModule.forRoot({ database: file.url })] });
    await next.close();
    await failed.close();
  });
});
