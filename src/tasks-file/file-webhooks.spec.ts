import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { WebhookMeans } from '../core/webhook-means.js';
import { webhookViews } from '../core/webhook-view.js';
import { mistakeLines } from './mistake.js';
import { readTasksFiles } from './tasks-file.js';

const path = join(temporaryDirectory(), 'tasks.yaml');
const HOOK_SECRET = `whsec_${Buffer.alloc(32, 'planted').toString('base64')}`;
const anyPublic = { isPublic: true, origins: [] };
const means = new WebhookMeans(anyPublic, true, true);

/** A task with a webhook that has these members, which begin in line 5, column 7. */
function read(members: string, environment: NodeJS.ProcessEnv = {}, webhookMeans = means) {
  writeFileSync(
    path,
    `tasks:
  t:
    subTasks: [{ name: a, kind: http, url: 'https://a.example/' }]
    webhooks:
    - ${members}
`,
  );
  const [file] = readTasksFiles([path], environment, { webhookMeans });
  const linesOf = (mistakes: Parameters<typeof mistakeLines>[0]) =>
    mistakeLines(mistakes).map((line) => line.replace(`${path}:`, ''));
  const { tasks, mistakes, unset } = file!;
  return { webhooks: tasks[0]?.webhooks, mistakes: linesOf(mistakes), unset: linesOf(unset) };
}

describe('webhooks of a tasks file', () => {
  test('are part of the task, with the values of the variables that they name', () => {
    const environment = { HOOK_URL: 'https://hooks.example.com/planted', TOKEN: 'a b', HOOK_SECRET };
    const { webhooks, mistakes, unset } = read(
      "{ url: '${HOOK_URL}/x?token=${TOKEN}', secret: '${HOOK_SECRET}', events: [run.finished], timeout: 2s }",
      environment,
    );
    expect([mistakes, unset]).toEqual([[], []]);
    expect(webhooks).toMatchObject([{ events: ['run.finished'], timeout: '2s' }]);
    const { url, secret } = webhooks![0]!;
    expect(url).toBe('https://hooks.example.com/planted/x?token=a%20b');
    expect(secret!.reveal()).toBe(HOOK_SECRET);
    expect(webhookViews(webhooks!)).toEqual([{ url: '${HOOK_URL}/x', events: ['run.finished'] }]);
  });

  test('may be written out, and without a secret where the service has one', () => {
    const { webhooks, mistakes, unset } = read('url: https://hooks.example.com/a?b=%20c');
    expect([mistakes, unset]).toEqual([[], []]);
    expect(webhooks).toEqual([{ url: 'https://hooks.example.com/a?b=%20c' }]);
  });

  test.each([
    [
      'events: [run.finished]',
      '5:7: tasks.t.webhooks[0].url: is missing; it takes something like "https://hooks.example.com/frontrunner"',
    ],
    ['{ url: hooks.example.com }', '5:14: tasks.t.webhooks[0].url: begins with http:// or https://'],
    [
      "{ url: 'https://a.example/{id}' }",
      '5:14: tasks.t.webhooks[0].url: has {id}, but the input stands in no URL of a webhook; take it out',
    ],
    [
      "{ url: 'https://a.example/${1}' }",
      '5:14: tasks.t.webhooks[0].url: "${1}" names no environment variable; write ${API_TOKEN}, for example',
    ],
    [
      '{ url: https://a.example/, secret: planted }',
      '5:42: tasks.t.webhooks[0].secret: takes an environment variable such as ${HOOK_SECRET}, or whsec_ and 24 to 64 bytes in base64',
    ],
    [
      '{ url: https://a.example/, events: [run.done] }',
      /^5:43: tasks\.t\.webhooks\[0\]\.events\[0\]: takes "run\.started", /,
    ],
    [
      '{ url: https://a.example/, evnts: [] }',
      '5:34: tasks.t.webhooks[0].evnts: is not known here; is events meant?',
    ],
    [
      "{ url: https://a.example/, timeout: '${T}' }",
      /webhooks\[0\]\.timeout: has \$\{T\}, which is taken in url, /,
    ],
  ])('that are wrong are named with their place: %s', (members, line) => {
    const { webhooks, mistakes } = read(members);
    expect(webhooks).toBeUndefined();
    expect(mistakes).toContainEqual(typeof line === 'string' ? line : expect.stringMatching(line));
  });

  test.each<[string, NodeJS.ProcessEnv, WebhookMeans, string | RegExp]>([
    [
      "{ url: '${U}' }",
      {},
      means,
      /^5:14: .*url: takes the environment variable U, which is not set; set it$/,
    ],
    ["{ url: '${U}' }", { U: 'planted' }, means, /\.url: is no URL with the value of U$/],
    [
      "{ url: '${U}' }",
      { U: 'http://10.0.0.1/planted' },
      means,
      /leads to no origin that WEBHOOK_ORIGINS allows, with the value of U; write allowPrivate: true/,
    ],
    ['{ url: http://10.0.0.1/ }', {}, means, /\.url: takes https;.*or write allowPrivate: true beside it/],
    [
      "{ url: https://a.example/, secret: '${S}' }",
      {},
      means,
      /^5:42: .*secret: takes the environment variable S, which is not set/,
    ],
    [
      "{ url: https://a.example/, secret: '${S}' }",
      { S: 'planted' },
      means,
      /is no secret with the value of S; it takes whsec_/,
    ],
    [
      "{ url: https://a.example/, secret: '${S}' }",
      { S: HOOK_SECRET },
      new WebhookMeans(anyPublic, true, false),
      /can’t be kept/,
    ],
    [
      '{ url: https://a.example/ }',
      {},
      new WebhookMeans(anyPublic, false, true),
      /\.secret: is missing, .*set WEBHOOK_SECRET$/,
    ],
  ])('that the environment lets nobody reach are named without its values: %s', (members, env, has, line) => {
    const { mistakes, unset } = read(members, env, has);
    expect(mistakes).toEqual([]);
    expect(unset).toEqual([expect.stringMatching(line)]);
    expect(unset[0]).not.toMatch(/planted|10\.0\.0\.1\/p|cGxhbnRlZ/);
  });

  test('may be private where allowPrivate says so', () => {
    const { webhooks, unset } = read("{ url: '${U}', allowPrivate: true }", { U: 'http://10.0.0.1:4000' });
    expect(unset).toEqual([]);
    expect(webhooks).toMatchObject([{ url: 'http://10.0.0.1:4000/', allowPrivate: true, written: '${U}/' }]);
  });

  test('are told to a task by the defaults of its file', () => {
    writeFileSync(
      path,
      `defaults:
  task: { webhooks: [{ url: 'https://\${HOST}/' }] }
tasks:
  t: { subTasks: [{ name: a, kind: http, url: 'https://a.example/' }] }
  u: { subTasks: [{ name: a, kind: http, url: 'https://a.example/' }] }
`,
    );
    const [file] = readTasksFiles([path], { HOST: 'hooks.example.com' }, { webhookMeans: means });
    expect(file!.mistakes).toEqual([]);
    expect(file!.tasks.map(({ webhooks }) => webhooks?.[0]?.url)).toEqual([
      'https://hooks.example.com/',
      'https://hooks.example.com/',
    ]);
    const [unset] = readTasksFiles([path], {}, { webhookMeans: means });
    expect(mistakeLines(unset!.unset)).toEqual([expect.stringContaining(':2:')]);
  });
});
