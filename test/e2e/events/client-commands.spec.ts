import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ApiKeys } from '../../support/api-keys.js';
import { CommandLine } from '../../support/command-line.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { inlineTask } from '../../support/inline-task.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';

const SCREEN = { isTTY: true, columns: 120, rows: 24, hasColors: () => false };
const race = new ControlledTask('race', { fast: {}, slow: {} });
const echo = inlineTask('echo', { only: { run: (input) => input } }, { input: z.unknown() });
const broken = inlineTask('broken', {
  only: {
    run() {
      throw new Error('no \x1b[2Juse');
    },
  },
});

describe('the commands that call a service', () => {
  const keys = new ApiKeys();
  const key = keys.create('ci', 'runs:write', 'runs:read');
  const line = new CommandLine(temporaryDirectory());
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path, MAX_WAIT: '50ms', WEBHOOK_SECRET: `whsec_${'A'.repeat(32)}` },
      key,
      providers: [...race.providers, ...echo, ...broken],
    });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  const frontrunner = (args: readonly string[], given: Parameters<CommandLine['run']>[1] = {}) =>
    line.run(args, {
      ...given,
      env: { FRONTRUNNER_URL: service.url, FRONTRUNNER_API_KEY: key, ...given.env },
    });

  /** The id of a run that is over, after an outcome of its own for each sub-task. */
  async function finished(): Promise<string> {
    const { stdout } = await frontrunner(['run', 'race']);
    const { fast, slow } = await race.all();
    fast.succeed('won');
    await service.event(stdout.trim(), 'run.replied');
    slow.fail(new Error('too late'));
    await service.event(stdout.trim(), 'run.finished');
    return stdout.trim();
  }

  describe('run', () => {
    test('prints the id of a run as soon as it is accepted', async () => {
      const { code, stdout, stderr } = await frontrunner(['run', 'race', '--data', '{"a": 1}']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { fast, slow } = await race.all();
      expect([fast.context.runId, fast.input]).toEqual([stdout.trim(), { a: 1 }]);
      fast.succeed();
      slow.succeed();
      await service.event(stdout.trim(), 'run.finished');
    });

    test('has events sent to each --webhook', async () => {
      const args = [
        'run',
        'echo',
        '-d',
        '1',
        '--webhook',
        'https://a.invalid/',
        '--webhook',
        'https://b.invalid/',
      ];
      const { code, stdout } = await frontrunner(args);
      expect(code).toBe(0);
      const { webhooks } = (await service.showRun(stdout.trim())) as unknown as { webhooks: object };
      expect(webhooks).toMatchObject([{ url: 'https://a.invalid/' }, { url: 'https://b.invalid/' }]);
      const refused = await frontrunner(['run', 'echo', '--webhook', 'http://a.invalid/']);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/\/webhooks\/0\/url: takes https/);
    });

    test('prints the answer with --wait, of one run, however often the service lets it wait anew', async () => {
      const started = service.runsStarted;
      let requests = 0;
      const again = new Promise<void>((resolve) => {
        service.server.on('request', () => {
          requests += 1;
          if (requests === 2) resolve();
        });
      });
      const ended = frontrunner(['run', 'race', '--wait']);
      const { fast, slow } = await race.all();
      await again;
      slow.succeed('slow');
      const { code, stdout } = await ended;
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ answeredBy: 'slow', result: 'slow', background: ['fast'] });
      fast.succeed();
      await service.event(fast.context.runId, 'run.finished');
      expect(service.runsStarted).toBe(started + 1);
    });

    test('sends what it reads from standard input, to the last digit', async () => {
      const { stdout } = await frontrunner(['run', 'echo', '--wait', '-d', '-'], {
        input: '9007199254740993',
      });
      expect(stdout).toContain('"result":9007199254740993,');
    });

    test('ends with 1 when the run fails, and says why', async () => {
      expect(await frontrunner(['run', 'broken', '--wait'])).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^Run failed \(run [\da-f-]{36}\): .*\n {2}only: no {2}\[2Juse\n$/),
      });
    });

    test.each<[string, readonly string[], Record<string, string>, number, RegExp]>([
      ['a task that is none', ['run', 'nothing'], {}, 1, /^Unknown task: There is no task "nothing"/],
      ['no task', ['run'], {}, 2, /^It takes the name of one task; frontrunner run --help/],
      ['an input that is no JSON', ['run', 'race', '-d', '{a}'], {}, 2, /^--data takes JSON, such as/],
      ['an option that is none', ['run', 'race', '--key', 'k'], {}, 2, /'--key'.*\n?.*--help says/],
      ['a task whose name is none', ['run', '..'], {}, 2, /^There is nothing of the name "\.\."/],
      ['a run whose id is none', ['watch', ''], {}, 2, /^There is nothing of the name ""/],
      ['a URL that is none', ['run', 'race', '--url', 'here'], {}, 2, /^The service is at a URL such as/],
      ['a password', ['runs', '--url', 'http://u:wrong@a'], {}, 2, /a password, .*set FRONTRUNNER_API_KEY/],
      ['a query', ['runs', '--url', 'http://a/?key=wrong'], {}, 2, /^The service is at a URL such as/],
      ['half a key', ['runs'], { FRONTRUNNER_API_KEY: 'wrong\nkey' }, 2, /^FRONTRUNNER_API_KEY has char/],
      ['a key in euros', ['runs'], { FRONTRUNNER_API_KEY: 'wrong€' }, 2, /^FRONTRUNNER_API_KEY has char/],
      ['the port 0', ['runs'], { FRONTRUNNER_URL: '', PORT: '0' }, 2, /^PORT is 0: say where/],
      ['a wrong key', ['runs'], { FRONTRUNNER_API_KEY: 'wrong' }, 1, /\nSet FRONTRUNNER_API_KEY to a key/],
      ['a status that is none', ['runs', '--status', 'odd'], {}, 1, /^Invalid request: .*\n {2}status: /],
      [
        'a limit that is none',
        ['runs', '--limit', 'abc'],
        {},
        2,
        /^--limit takes a whole number from 1 to 200/,
      ],
      ['a run that is none', ['watch', '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b'], {}, 1, /^Unknown run: /],
      ['a run and a task', ['watch', 'a', '--task', 'b'], {}, 2, /^It takes the id of one run, or --task/],
    ])('and the others refuse %s', async (_what, args, env, code, refusal) => {
      const ended = await frontrunner(args, { env });
      expect(ended).toMatchObject({ code, stdout: '' });
      expect(ended.stderr).toMatch(refusal);
      expect(ended.stderr).not.toMatch(/\n\s+at |wrong/);
    });
  });

  describe('runs', () => {
    test('lists runs, the newest first', async () => {
      const ids = [await finished(), await finished()];
      const { stdout } = await frontrunner(['runs', '--task', 'race', '--limit', '2']);
      expect(stdout).toMatch(/^RUN +TASK +STATUS +CREATED +TOOK +LABELS\n/);
      const rows = stdout.trim().split('\n').slice(1);
      expect(rows).toEqual([expect.stringContaining(ids[1]!), expect.stringContaining(ids[0]!)]);
      expect(rows[0]).toMatch(/ +race +partly-failed +\S+Z +\d+ ms$/);
      const json = await frontrunner(['runs', '--json', '--limit', '1', '--status', 'partly-failed,failed']);
      expect(JSON.parse(json.stdout)).toMatchObject({ id: ids[1], task: 'race' });
      expect((await frontrunner(['runs', '--label', 'a:b'])).stderr).toBe('There are no such runs\n');
    });
  });

  describe('watch', () => {
    test('prints a line for each event of a run, and ends with it', async () => {
      const id = await finished();
      const { code, stdout } = await frontrunner(['watch', id]);
      const lines = stdout.trim().split('\n');
      const said = lines.map((text) => text.split(` ${id} race `)[1]);
      expect(code).toBe(0);
      expect(said).toEqual([
        'started: fast, slow',
        'fast started',
        'slow started',
        expect.stringMatching(/^fast succeeded in \d+ ms: "won"$/),
        expect.stringMatching(/^answered by fast after \d+ ms$/),
        expect.stringMatching(/^slow failed after \d+ ms: too late$/),
        'finished: partly-failed',
      ]);
    });

    test('draws a run in its place while it goes on, and leaves the terminal as it was', async () => {
      const { stdout: begun } = await frontrunner(['run', 'race']);
      const id = begun.trim();
      const { fast, slow } = await race.all();
      let drawn = '';
      const seen = new EventEmitter();
      const written = (text: string) => {
        drawn += text;
        if (/fast +running/.test(text)) seen.emit('running');
        if (/fast +succeeded/.test(text)) seen.emit('succeeded');
      };
      const running = once(seen, 'running');
      const succeeded = once(seen, 'succeeded');
      const ended = frontrunner(['watch', id], { screen: SCREEN, written });
      await running;
      fast.succeed();
      await succeeded;
      slow.succeed();
      expect((await ended).code).toBe(0);
      expect(drawn.startsWith('\x1b[?25l\x1b[?7l')).toBe(true);
      expect(drawn.endsWith('\x1b[?25h\x1b[?7h')).toBe(true);
      // After each drawing, not only the last: nothing is left to do when the command is stopped or killed.
      expect(drawn.split('\x1b[?25l').length).toBe(drawn.split('\x1b[?25h').length);
      expect(drawn.split('\x1b[?25h').length).toBeGreaterThan(2);
      const last = drawn.slice(drawn.lastIndexOf('\x1b[3A'));
      expect(last).toMatch(new RegExp(`^\x1b\\[3A\rrace ${id} succeeded .*answered by fast`));
      expect(last).toMatch(/✔ fast .*◀ answered/);
      expect(last).toMatch(/✔ slow/);
    });

    test('ends with 1 for a run that failed', async () => {
      await frontrunner(['run', 'broken', '--wait']);
      const { stdout } = await frontrunner(['runs', '--task', 'broken', '--limit', '1', '--json']);
      const { id } = JSON.parse(stdout) as { id: string };
      const lines = await frontrunner(['watch', id]);
      expect(lines).toMatchObject({ code: 1, stderr: '' });
      const dumb = await frontrunner(['watch', id], { screen: SCREEN, env: { TERM: 'dumb' } });
      expect(dumb.stdout).toBe(lines.stdout);
    });

    test('draws on a terminal that says no size', async () => {
      const screen = { ...SCREEN, columns: 0, rows: 0 };
      expect((await frontrunner(['watch', await finished()], { screen })).stdout).toMatch(/fast +succeeded/);
    });

    test('shows all runs from now on, each that is over as a line, until it is interrupted', async () => {
      const signals = new EventEmitter();
      const seen = new EventEmitter();
      const written = (text: string) => {
        if (text.includes('Waiting for runs')) seen.emit('open');
        if (/race \S+ partly-failed/.test(text)) seen.emit('over');
      };
      const [open, over] = [once(seen, 'open'), once(seen, 'over')];
      const ended = frontrunner(['watch', '--task', 'race'], { screen: SCREEN, signals, written });
      await open;
      // Not by the command: each changes the working directory while it goes on.
      const answer = service.answer('race');
      const { fast, slow } = await race.all();
      fast.succeed();
      await answer;
      slow.fail(new Error('too late'));
      await over;
      signals.emit('SIGINT');
      const { code, stdout, stderr } = await ended;
      expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
      expect(stdout.endsWith('\x1b[?25h\x1b[?7h')).toBe(true);
      expect(signals.eventNames()).toEqual([]);
    });
  });
});
