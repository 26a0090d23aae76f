import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { FrontrunnerModule, SubTask, TaskOf } from '../../../src/index.js';
import { HostApp } from '../../support/host-app.js';
import { temporaryDatabase } from '../../support/postgres-database.js';

@SubTask({ name: 'charge' })
class Charge {
  run = () => 'paid';
}

class Order extends TaskOf({ name: 'order', subTasks: [Charge] }) {}

describe('a start in a transaction of the application', () => {
  let host: HostApp;
  let client: Client;
  beforeAll(async () => {
    const database = await temporaryDatabase();
    client = new Client(database);
    await client.connect();
    host = await HostApp.start({
      imports: [FrontrunnerModule.forRoot({ database }), FrontrunnerModule.forFeature([Order, Charge])],
    });
  });
  afterAll(async () => {
    await host.close();
    await client.end();
  });

  test('begins the run with the commit: until then whoever has the handle waits', async () => {
    await client.query('BEGIN');
    const run = await host.frontrunner.start(Order, undefined, { transaction: client });
    const types: string[] = [];
    const events = (async () => {
      for await (const { type } of run.events()) types.push(type);
    })();
    const ends = Promise.all([run.reply(), run.finished(), events]);
    await expect(run.reply({ wait: '1ms' })).rejects.toMatchObject({ name: 'WaitError', runId: run.id });
    await expect(run.show()).rejects.toMatchObject({ code: 'run-unknown' });
    await client.query('COMMIT');
    expect(await ends).toMatchObject([
      { result: 'paid', answeredBy: 'charge' },
      { status: 'succeeded' },
      undefined,
    ]);
    expect(types).toContain('run.replied');
  });

  test('leaves nothing behind when it is rolled back', async () => {
    await client.query('BEGIN');
    const run = await host.frontrunner.start(Order, undefined, { transaction: client });
    await client.query('ROLLBACK');
    await expect(run.reply()).rejects.toMatchObject({ code: 'run-unknown' });
    await expect(run.show()).rejects.toMatchObject({ code: 'run-unknown' });
  });

  test('is refused together with an idempotency key', async () => {
    const options = { transaction: client, idempotencyKey: 'order-7' };
    await expect(host.frontrunner.start(Order, undefined, options)).rejects.toMatchObject({
      code: 'transaction-unusable',
    });
  });
});
