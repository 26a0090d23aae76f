import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { ROOT } from '../support/type-check.js';

const BIN = join(ROOT, 'bin/frontrunner.cjs');
const RUNBOOK = readFileSync(resolve(ROOT, 'docs/guide/runbook.md'), 'utf8');
const ifCurl = existsSync('/usr/bin/curl') ? test : test.skip;

/** The commands of a part of the runbook, by its heading, a text a block. */
function blocksOf(heading: string): string[] {
  const part = RUNBOOK.split(/^## /m).find((text) => text.startsWith(`${heading}\n`))!;
  return [...part.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, commands]) => commands!);
}

describe('the commands of the runbook', () => {
  const directory = temporaryDirectory();
  let service: ServiceProcess | undefined;
  afterEach(() => service?.stop('SIGKILL'));

  const environment: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    API_KEYS_FILE: 'keys.json',
    DATABASE_URL: 'sqlite:./data/frontrunner.db',
    DEMO_TIME_SCALE: '10',
    SHUTDOWN_GRACE: '0ms',
    SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
    WEBHOOK_ORIGINS: 'http://127.0.0.1:9',
  };

  async function bash(commands: string, env: Record<string, string> = {}): Promise<string> {
    const script = `frontrunner() { "${process.execPath}" "${BIN}" "$@"; }\n${commands}`;
    const { stdout } = await promisify(execFile)('bash', ['-ec', script], {
      cwd: directory,
      env: { ...environment, ...env },
    });
    return stdout;
  }

  const start = () => ServiceProcess.start({ directory, env: environment });

  ifCurl('do what it says: stuck runs, backups, keys, upgrades, restore', async () => {
    const key = (
      await bash('frontrunner keys create ci --scope runs:write --scope runs:read --scope webhooks:write')
    ).trim();
    service = await start();
    const { body } = (await service.http
      .post('/tasks/demo/runs')
      .auth(key, { type: 'bearer' })
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: { id: string } };
    const env = {
      FRONTRUNNER_URL: service.url,
      FRONTRUNNER_API_KEY: key,
      RUN: body.id,
      PID: `${service.pid}`,
    };
    const withKey = (commands: string) =>
      commands.replaceAll('curl -s ', 'curl -sf -H "Authorization: Bearer $FRONTRUNNER_API_KEY" ');

    for (const block of blocksOf('The disk is full')) await bash(block);
    const stuck = await bash(withKey(blocksOf('A run doesn’t end')[0]!), env);
    expect(stuck).toContain(body.id);
    expect(await service.line(/^first cancelled/)).toMatchObject({ runId: body.id });

    const { body: webhook } = (await service.http
      .post('/webhooks')
      .auth(key, { type: 'bearer' })
      .send({ url: 'http://127.0.0.1:9/' })
      .expect(201)) as { body: { id: string } };
    const [mend] = blocksOf('A webhook is paused, or has dead letters');
    const mended = await bash(withKey(mend!), { ...env, WEBHOOK: webhook.id });
    expect(mended).toMatch(/"state":"active"[^]*"deliveries":\[\][^]*"redriven":0/);

    const [whileItRuns, whenStopped] = blocksOf('The file is damaged: restore a backup');
    expect(await bash(whileItRuns!)).toMatch(/is sound[^]*is a copy of/);
    await bash(blocksOf('Upgrade and downgrade')[0]!);

    const [create, revoke] = blocksOf('A key has to be changed');
    const newKey = /^fr_\S+$/m.exec(await bash(create!, env))![0];
    await service.line(/^Reloaded: 2 API keys from keys\.json$/);
    await service.http.get('/tasks').auth(newKey, { type: 'bearer' }).expect(200);
    await bash(revoke!, env);
    await service.line(/^Reloaded: 1 API keys from keys\.json$/);
    await service.http.get('/tasks').auth(key, { type: 'bearer' }).expect(401);
    expect(await service.line(/^Refused with 401 unauthorized/)).toMatchObject({ level: 40 });

    await service.stop();
    expect(await bash(whenStopped!)).toMatch(/is a copy of[^]*is sound/);
    service = await start();
    const run = await service.http.get(`/runs/${body.id}`).auth(newKey, { type: 'bearer' });
    expect(run.body).toMatchObject({ status: 'cancelled' });
  });

  test('are all tried here, but for those of Postgres', () => {
    const tried = [
      'The disk is full',
      'A run doesn’t end',
      'A webhook is paused, or has dead letters',
      'The file is damaged: restore a backup',
      'A key has to be changed',
      'Upgrade and downgrade',
    ];
    const all = [...RUNBOOK.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, commands]) => commands!);
    const others = all.filter((block) => !tried.flatMap(blocksOf).includes(block)).join('');
    for (const command of others.trim().split('\n')) expect(command).toMatch(/^(psql|frontrunner queue) /);
  });
});
