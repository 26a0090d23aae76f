import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Frontrunner, FrontrunnerModule, getFrontrunnerToken, SubTask, TaskOf } from '../../../src/index.js';
import { DatabaseFile } from '../../support/database-file.js';
import { HostApp } from '../../support/host-app.js';

@SubTask({ name: 'only' })
class Only {
  run = () => 'done';
}

class Solo extends TaskOf({ name: 'solo', subTasks: [Only] }) {}

describe('an instance that is closed', () => {
  let file: DatabaseFile;
  beforeEach(() => {
    file = new DatabaseFile();
  });
  afterEach(() => {
    file.remove();
  });

  /** A journal that is still open has the file for itself. */
  async function expectFileFree(): Promise<void> {
    const next = await HostApp.start({ imports: [FrontrunnerModule.forRoot({ database: file.url })] });
    await next.close();
  }

  test.each(['sqlite', 'memory'])('reads nothing, and opens no journal again: %s', async (kind) => {
    const host = await HostApp.start({
      imports: [FrontrunnerModule.forRoot({ database: kind === 'memory' ? 'memory:' : file.url })],
      providers: [Solo, Only],
    });
    const { frontrunner } = host;
    const run = await frontrunner.start(Solo);
    await run.finished();
    const events = frontrunner.events();
    const late = run.events();
    await events.next();
    await host.close();
    const drained = async () => {
      for await (const event of events) expect(event.runId).toBe(run.id);
    };
    for (const read of [
      () => frontrunner.start(Solo),
      () => frontrunner.runs(),
      () => frontrunner.events().next(),
      () => run.show(),
      () => run.reply(),
      () => run.finished(),
      () => run.cancel(),
      () => run.retry('only'),
      () => late.next(),
      drained,
    ])
      await expect(read()).rejects.toMatchObject({ code: 'stopping' });
    await expectFileFree();
  });

  test('starts no more when it was closed before its start', async () => {
    const host = await HostApp.create({
      imports: [FrontrunnerModule.forRoot({ database: file.url })],
      providers: [Solo, Only],
    });
    await host.close();
    await expect(host.frontrunner.start(Solo)).rejects.toMatchObject({ code: 'stopping' });
    await expectFileFree();
  });

  test('is closed when another instance of the application can’t start', async () => {
    @Module({
      imports: [
        FrontrunnerModule.forRoot({ name: 'first', database: file.url }),
        FrontrunnerModule.forRoot({ database: 'sqlite:/dev/null/app.db' }),
        FrontrunnerModule.forRoot({ name: 'last', database: 'memory:' }),
      ],
      providers: [
        {
          provide: 'EARLY',
          inject: [getFrontrunnerToken('first'), getFrontrunnerToken('last')],
          useFactory: (...instances: Frontrunner[]) => ({
            onModuleInit: () => Promise.all(instances.map((one) => one.runs())),
          }),
        },
      ],
    })
    class App {}
    const starting = NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
    await expect(starting).rejects.toThrow('database: ');
    await expectFileFree();
  });

  test('starts later when its first start was too early', async () => {
    @SubTask({ name: 'late' })
    class Late {
      constructor(@Inject('SLOW') readonly slow: unknown) {}
      run = () => 'late';
    }
    class Later extends TaskOf({ name: 'later', subTasks: [Late] }) {}
    let refusal: unknown;
    const early = {
      provide: 'EARLY',
      inject: [Frontrunner],
      useFactory: async (frontrunner: Frontrunner) => {
        refusal = await frontrunner.start(Later).catch((error: unknown) => error);
      },
    };
    const slow = { provide: 'SLOW', useFactory: () => new Promise(setImmediate) };
    const host = await HostApp.start({
      imports: [FrontrunnerModule.forRoot({ database: 'memory:' })],
      providers: [early, Later, Late, slow],
    });
    expect(refusal).toMatchObject({ message: expect.stringContaining('before the sub-task') });
    const run = await host.frontrunner.start(Later);
    expect(await run.reply()).toMatchObject({ result: 'late' });
    await host.close();
  });
});
