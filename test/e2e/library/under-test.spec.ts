import { describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { Frontrunner, FrontrunnerModule, getFrontrunnerOptionsToken } from '../../../src/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { English, Greet, Greetings, Spanish } from './host.js';

describe('the test of an application', () => {
  test('puts stubs in the place of sub-tasks, and the journal in memory', async () => {
    const module = await Test.createTestingModule({
      imports: [
        FrontrunnerModule.forRoot({ database: 'sqlite:/nowhere/app.db' }),
        FrontrunnerModule.forFeature([Greet, English, Spanish, Greetings]),
      ],
    })
      .overrideProvider(getFrontrunnerOptionsToken())
      .useValue({ database: 'memory:' })
      .overrideProvider(English)
      .useValue({ run: () => ({ text: 'Hi' }) })
      .overrideProvider(Spanish)
      .useValue({ run: () => Promise.reject(new Error('down')) })
      .setLogger(new CapturedLog())
      .compile();
    await module.init();
    const run = await module.get(Frontrunner).start(Greet, { name: 'Ada' });
    expect(await run.reply()).toMatchObject({ result: { text: 'Hi' }, answeredBy: 'english' });
    await module.close();
  });
});
