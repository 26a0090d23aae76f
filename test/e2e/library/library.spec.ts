import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Global, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Frontrunner, FrontrunnerModule } from '../../../src/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { English, Greet, Greetings, Spanish } from './host.js';

@Global()
@Module({ providers: [Greetings], exports: [Greetings] })
class GreetingsModule {}

describe('an instance within an application', () => {
  let app: INestApplication;
  let frontrunner: Frontrunner;
  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [
        GreetingsModule,
        FrontrunnerModule.forRoot({ database: 'memory:' }),
        FrontrunnerModule.forFeature([Greet, English, Spanish]),
      ],
    })
      .setLogger(new CapturedLog())
      .compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    frontrunner = app.get(Frontrunner);
  });
  afterAll(async () => {
    await app.close();
  });

  test('starts runs of tasks whose sub-tasks are given what the application has', async () => {
    const run = await frontrunner.start(Greet, { name: 'Ada' });
    const { result, answeredBy, background } = await run.reply({ wait: '2s' });
    expect({ result, answeredBy, background }).toEqual({
      result: { text: 'Hola, Ada', age: 30 },
      answeredBy: 'spanish',
      background: ['english'],
    });
    English.release();
    expect(await run.finished()).toMatchObject({ status: 'succeeded' });
    expect(app.get(Greetings).told.map(({ type }) => type)).toEqual(['run.replied', 'run.finished']);
  });
});
