import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Injectable, Module, type Type } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import {
  Frontrunner,
  FrontrunnerModule,
  getFrontrunnerToken,
  InjectFrontrunner,
  OnRunEvent,
  SubTask,
  TaskOf,
  type RunEvent,
} from '../../../src/index.js';
import { HostApp } from '../../support/host-app.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { tasksFiles } from '../../support/tasks-file.js';

const SECRET = `whsec_${'A'.repeat(32)}`;

@SubTask({ name: 'one' })
class One {
  run = () => 1;
}

class Plain extends TaskOf({ name: 'plain', subTasks: [One] }) {}
class Billed extends TaskOf({ name: 'billed', subTasks: [One] }) {}

@Injectable()
class HearsAll {
  readonly heard: string[] = [];
  private readonly news = new EventEmitter();
  @OnRunEvent('run.finished')
  onFinished({ task }: RunEvent<'run.finished'>): void {
    this.heard.push(task);
    this.news.emit('heard');
  }

  /** Resolves when it has heard of a run of a task. */
  async of(task: string): Promise<void> {
    while (!this.heard.includes(task)) await once(this.news, 'heard');
  }
}

@Injectable()
class HearsBilling extends HearsAll {
  @OnRunEvent('run.finished')
  override onFinished(event: RunEvent<'run.finished'>): void {
    super.onFinished(event);
  }
}

@Injectable()
class Caller {
  constructor(
    readonly frontrunner: Frontrunner,
    @InjectFrontrunner('billing') readonly billing: Frontrunner,
  ) {}
}

@Module({ providers: [{ provide: 'DATABASE', useValue: 'memory:' }], exports: ['DATABASE'] })
class SettingsModule {}

describe('several instances in an application', () => {
  let host: HostApp;
  let caller: Caller;
  beforeEach(async () => {
    host = await HostApp.start({
      imports: [
        EventEmitterModule.forRoot({ wildcard: true, global: true }),
        FrontrunnerModule.forRoot({ database: 'memory:' }),
        FrontrunnerModule.forRootAsync({
          name: 'billing',
          imports: [SettingsModule],
          inject: ['DATABASE'],
          useFactory: (database: string) => ({ database }),
        }),
        FrontrunnerModule.forFeature([Billed, One, HearsBilling], { name: 'billing' }),
      ],
      providers: [Plain, One, HearsAll, Caller],
    });
    caller = host.app.get(Caller);
  });
  afterEach(() => host.close());

  test('have their own tasks, runs, and events', async () => {
    const { frontrunner, billing } = caller;
    expect(host.app.get(getFrontrunnerToken('billing'))).toBe(billing);
    const billed = await billing.start(Billed);
    const plain = await frontrunner.start(Plain);
    await Promise.all([billed.finished(), plain.finished()]);
    await expect(billing.start(Plain)).rejects.toMatchObject({
      code: 'task-unknown',
      message: expect.stringContaining('list its class in FrontrunnerModule.forFeature([…])'),
    });
    await expect(frontrunner.start(Billed)).rejects.toMatchObject({ code: 'task-unknown' });
    await expect((await frontrunner.run(billed.id)).show()).rejects.toMatchObject({ code: 'run-unknown' });
    expect((await billing.runs()).runs.map(({ task }) => task)).toEqual(['billed']);
    expect((await frontrunner.runs()).runs.map(({ task }) => task)).toEqual(['plain']);
  });

  test('are all heard by listeners, but for those that forFeature gives to one of them', async () => {
    const { frontrunner, billing } = caller;
    const all = host.app.get(HearsAll);
    await frontrunner.start(Plain);
    await all.of('plain');
    await billing.start(Billed);
    await host.app.get(HearsBilling).of('billed');
    await all.of('billed');
    expect(host.app.get(HearsBilling).heard).toEqual(['billed']);
  });

  test('and the event emitter of the application hear nothing of each other', async () => {
    const emitter = host.app.get(EventEmitter2);
    const heard: unknown[] = [];
    emitter.onAny((event: unknown) => {
      heard.push(event);
    });
    emitter.emit('run.finished', { task: 'not a run' });
    await caller.frontrunner.start(Plain);
    await host.app.get(HearsAll).of('plain');
    expect(host.app.get(HearsAll).heard).toEqual(['plain']);
    expect(heard).toEqual(['run.finished']);
  });
});

describe('an application starts with', () => {
  const write = tasksFiles();
  const start = (imports: unknown[], providers: Type[] = []) =>
    HostApp.start({ imports: imports as [], providers });

  test.each<[string, () => unknown[], string]>([
    [
      'two instances of one name',
      () => [
        FrontrunnerModule.forRoot({ database: 'memory:' }),
        FrontrunnerModule.forRoot({ database: 'memory:' }),
      ],
      "FrontrunnerModule.forRoot is imported 2 times for the instance 'default'; import it once, or give each a name of its own",
    ],
    [
      'tasks for an instance that there is none of',
      () => [
        FrontrunnerModule.forRoot({ database: 'memory:' }),
        FrontrunnerModule.forFeature([Billed, One], { name: 'biling' }),
      ],
      "forFeature or forFile names the instance 'biling', but there is none; import FrontrunnerModule.forRoot({ name: 'biling', … })",
    ],
    [
      'tasks, but without an instance',
      () => [FrontrunnerModule.forFeature([Billed, One])],
      "names the instance 'default', but there is none; import FrontrunnerModule.forRoot({ … })",
    ],
    [
      'a factory of options that returns nothing',
      () => [FrontrunnerModule.forRootAsync({ useFactory: () => undefined as never })],
      'useFactory of forRootAsync returned nothing; return options',
    ],
    [
      'options of a wrong kind from a factory',
      () => [FrontrunnerModule.forRootAsync({ useFactory: () => ({ http: { path: 5 } }) as never })],
      'http.path is a number; it takes one segment or more',
    ],
  ])('no %s', async (_what, imports, message) => {
    await expect(start(imports())).rejects.toThrow(message);
  });

  test.each([
    ['memory:', undefined, /^webhooks\[0\]\.secret of the task told is missing, .*set webhookSecret$/],
    [
      `sqlite:${temporaryDirectory()}/runs.db`,
      SECRET,
      /^webhooks\[0\]\.secret .*can’t be kept: .*set secretsKey$/,
    ],
  ])('no task whose webhook it could send nothing to: %s', async (database, secret, message) => {
    const webhooks = [{ url: 'https://hooks.invalid/', ...(secret !== undefined && { secret }) }];
    class Told extends TaskOf({ name: 'told', subTasks: [One], webhooks }) {}
    const imports = [FrontrunnerModule.forRoot({ database }), FrontrunnerModule.forFeature([Told, One])];
    await expect(start(imports)).rejects.toThrow(message);
  });

  test('tasks of a file, whose variables are what `environment` has, and not the environment', async () => {
    const file = write(
      "tasks: { priced: { subTasks: [{ name: ask, kind: http, url: '${PRICES}/price', allowPrivate: true }] } }",
    );
    const imports = (environment: Record<string, string>) => [
      FrontrunnerModule.forRoot({ database: 'memory:', environment }),
      FrontrunnerModule.forFile(file),
    ];
    process.env.PRICES = 'http://127.0.0.1:9';
    try {
      await expect(start(imports({}))).rejects.toThrow(/^forFile is wrong:[^]*PRICES/);
    } finally {
      delete process.env.PRICES;
    }
    const host = await start(imports({ PRICES: 'http://127.0.0.1:9' }));
    await expect((await host.frontrunner.start('priced')).reply()).rejects.toMatchObject({
      code: 'run-failed',
    });
    await host.close();
  });
});
