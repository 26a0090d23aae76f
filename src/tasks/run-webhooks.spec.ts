import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import { createRuntime } from '../../test/support/runtime.js';
import { parseConfig } from '../config/config.js';
import { DomainError } from '../core/domain-error.js';
import { eventView, type RunEvent } from '../core/events.js';
import { WebhookMeans } from '../core/webhook-means.js';
import { Seal } from '../core/seal.js';
import type { RunWebhook, TaskWebhook } from '../core/webhook.schema.js';
import { declaredWebhooks } from './declared-webhooks.js';
import { RunWebhooks } from './run-webhooks.js';
import type { TaskRegistry } from './task-registry.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const WEBHOOK: RunWebhook = { url: 'https://hooks.example.com/a', secret: SECRET };

/** Of a service with some variables and a task with some webhooks. */
function webhooksOf(
  env: Readonly<Record<string, string>> = {},
  { keys = [randomBytes(32)], declared }: { keys?: Buffer[]; declared?: readonly TaskWebhook[] } = {},
) {
  const runtime = createRuntime([{ name: 'a', run: () => 'a' }]);
  const task = { ...runtime.task, webhooks: declaredWebhooks(declared) };
  const registry = { all: () => [task] } as Partial<TaskRegistry> as TaskRegistry;
  const seal = new Seal(keys);
  const { WEBHOOK_ORIGINS, WEBHOOK_SECRET } = parseConfig(env);
  const means = new WebhookMeans(WEBHOOK_ORIGINS, WEBHOOK_SECRET.length > 0, seal.canSeal);
  return {
    ...runtime,
    task,
    seal,
    webhooks: new RunWebhooks(registry, seal, runtime.journal, means),
  };
}

const errorsOf = async (refused: Promise<unknown>): Promise<unknown> => {
  const error = await refused.then(undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DomainError);
  return (error as DomainError).details.errors;
};

describe('the webhooks of a run', () => {
  test('are those of its task, then those of its request, with their secrets sealed', async () => {
    const declared: TaskWebhook = { url: 'http://10.0.0.1/t', secret: SECRET, allowPrivate: true };
    const { webhooks, task, seal } = webhooksOf({}, { declared: [declared] });
    const named: RunWebhook = { ...WEBHOOK, events: ['run.finished'], timeout: '2s' };
    const targets = await webhooks.register(task, [named]);
    const sealed = [{ sealed: expect.any(String) }];
    expect(targets).toEqual([
      { url: 'http://10.0.0.1/t', secrets: sealed, allowPrivate: true },
      { url: named.url, events: ['run.finished'], timeout: '2s', secrets: sealed },
    ]);
    expect(targets!.map(({ secrets }) => seal.open(secrets[0]!.sealed))).toEqual([SECRET, SECRET]);
    expect(await webhooks.register(task)).toEqual([targets![0]]);
  });

  test('have a secret sealed once, however many runs name it', async () => {
    const { webhooks, task, seal } = webhooksOf();
    const sealedFor = async (secret: string) => {
      const [target] = (await webhooks.register(task, [{ ...WEBHOOK, secret }]))!;
      return target!.secrets[0]!.sealed;
    };
    const sealed = await sealedFor(SECRET);
    expect(await sealedFor(SECRET)).toBe(sealed);
    expect(inspect(webhooks, { depth: null, showHidden: true })).not.toContain(SECRET);
    const others = Array.from({ length: 1_000 }, (_, n) => `whsec_${n.toString().padStart(32, '0')}`);
    for (const other of others) expect(seal.open(await sealedFor(other))).toBe(other);
    const again = await sealedFor(SECRET);
    expect(again).not.toBe(sealed);
    expect(seal.open(again)).toBe(SECRET);
  });

  test('are signed with the secret of the service where they have none', async () => {
    const { webhooks, task } = webhooksOf({ WEBHOOK_SECRET: SECRET }, { keys: [] });
    const targets = await webhooks.register(task, [{ url: WEBHOOK.url }]);
    expect(targets).toEqual([{ url: WEBHOOK.url, secrets: [] }]);
  });

  test('are none where nobody names any, and then nothing is added to read the log for', async () => {
    const { webhooks, task, journal } = webhooksOf();
    expect(await webhooks.register(task)).toBeUndefined();
    expect(await webhooks.register(task, [])).toBeUndefined();
    expect(await journal.webhooks.list()).toEqual([]);
  });

  test.each<[string, Record<string, string>, Buffer[] | undefined, RunWebhook, RegExp]>([
    [
      '/webhooks/1/url',
      {},
      undefined,
      { ...WEBHOOK, url: 'http://hooks.example.com' },
      /WEBHOOK_ORIGINS=http/,
    ],
    ['/webhooks/1/url', {}, undefined, { ...WEBHOOK, url: 'https://127.1/' }, /not on the public internet/],
    ['/webhooks/1/secret', {}, undefined, { url: WEBHOOK.url }, /^is missing.*set WEBHOOK_SECRET$/],
    ['/webhooks/1/secret', {}, [], WEBHOOK, /^can’t be kept.*set SECRETS_KEY$/],
    ['/webhooks/1/secret', { WEBHOOK_SECRET: SECRET }, [], WEBHOOK, /set SECRETS_KEY, or leave it out/],
  ])('are refused with a pointer to what is wrong: %s', async (pointer, env, keys, wrong, detail) => {
    const { webhooks, task, journal } = webhooksOf(env, { ...(keys && { keys }) });
    const errors = await errorsOf(webhooks.register(task, [WEBHOOK, wrong]));
    expect(errors).toContainEqual({ pointer, detail: expect.stringMatching(detail) });
    expect(inspect(errors)).not.toContain(SECRET);
    expect(await journal.webhooks.list()).toEqual([]);
  });

  test('are eight at most, those of the task included', async () => {
    const { webhooks, task } = webhooksOf({}, { declared: [WEBHOOK] });
    const seven = new Array<RunWebhook>(7).fill(WEBHOOK);
    expect(await webhooks.register(task, seven)).toHaveLength(8);
    expect(await errorsOf(webhooks.register(task, [...seven, WEBHOOK]))).toEqual([
      { pointer: '/webhooks', detail: 'takes at most 7: the task has 1 of its own' },
    ]);
  });

  test('have the log read from before the first run of them on, once', async () => {
    const { tasks, journal, events, settle } = createRuntime([{ name: 'a', run: () => 'a' }]);
    await tasks.reply(await tasks.start('task'));
    await settle();
    const { lastEventId: cursor } = journal;
    const add = jest.spyOn(journal.webhooks, 'add');
    await tasks.reply(await tasks.start('task', { webhooks: [WEBHOOK] }));
    await tasks.reply(await tasks.start('task', { webhooks: [WEBHOOK] }));
    expect(add).toHaveBeenCalledTimes(1);
    expect(await journal.webhooks.list()).toMatchObject([{ id: 'runs', terms: '{}', client: null, cursor }]);
    const [, first] = events.filter(({ type }) => type === 'run.started') as RunEvent<'run.started'>[];
    expect(first!.id).toBe(cursor + 1);
    expect(first!.data.webhooks).toMatchObject([{ url: WEBHOOK.url }]);
    expect(inspect(eventView(first!), { depth: null })).not.toContain('webhooks');
  });

  test('are refused while the journal can’t have them, and taken as soon as it can', async () => {
    const { webhooks, task, journal } = webhooksOf();
    const away = new DomainError('journal-unavailable', 'no');
    jest.spyOn(journal.webhooks, 'add').mockRejectedValueOnce(away);
    await expect(webhooks.register(task, [WEBHOOK])).rejects.toBe(away);
    expect(await webhooks.register(task, [WEBHOOK])).toHaveLength(1);
    expect(await journal.webhooks.list()).toHaveLength(1);
  });
});

describe('the webhooks that a task declares', () => {
  test.each<[TaskWebhook, RegExp]>([
    [
      { url: 'http://10.0.0.1/', secret: SECRET },
      /\[0\]\.url of the task task takes https.*allowPrivate: true/,
    ],
    [{ url: WEBHOOK.url }, /\[0\]\.secret of the task task is missing/],
  ])('stop the start where events can’t be sent to them', async (declared, message) => {
    await expect(webhooksOf({}, { declared: [declared] }).webhooks.onModuleInit()).rejects.toThrow(message);
  });

  test('stop the start where their secrets can’t be kept', async () => {
    const { webhooks } = webhooksOf({}, { declared: [WEBHOOK], keys: [] });
    await expect(webhooks.onModuleInit()).rejects.toThrow(/secret of the task task can’t be kept/);
  });

  test('may have any address with allowPrivate', async () => {
    const declared = { url: 'http://127.0.0.1:4000/', secret: SECRET, allowPrivate: true };
    await expect(webhooksOf({}, { declared: [declared] }).webhooks.onModuleInit()).resolves.toBeUndefined();
  });

  test.each([
    [[{ url: 'hooks.example.com' }], '/0/url takes an http or https URL'],
    [[{ url: 'https://hooks.example.com/a b' }], '/0/url takes an http or https URL'],
    [[{ url: 'https://hooks.example.com/\0' }], '/0/url takes an http or https URL'],
    [[{ url: 'https://hooks.example.com/\ud800' }], '/0/url takes an http or https URL'],
    [[{ ...WEBHOOK, events: ['run.done'] }], '/0/events/0'],
    [[{ ...WEBHOOK, secret: 'sesame' }], '/0/secret takes whsec_'],
    [[{ ...WEBHOOK, headers: {} }], '/0/headers is not known here'],
    [[{ ...WEBHOOK, timeout: '61s' }], '/0/timeout takes 1m at most'],
    [[{ ...WEBHOOK, timeout: 'soon' }], '/0/timeout takes a duration'],
    [new Array(9).fill(WEBHOOK), ' Too big'],
    ['https://hooks.example.com', 'expected array'],
  ])('are refused where they have no sense, without a word of a secret', (value, message) => {
    expect(() => declaredWebhooks(value)).toThrow(message);
    expect(() => declaredWebhooks(value)).not.toThrow(/sesame|MfKQ/);
  });

  test('show no secret when they are printed', () => {
    const { task } = webhooksOf({}, { declared: [WEBHOOK] });
    expect(inspect(task, { depth: null, showHidden: true }) + JSON.stringify(task)).not.toContain('MfKQ');
  });
});
