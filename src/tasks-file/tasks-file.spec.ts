import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { defineSubTask } from '../tasks/sub-task-declaration.js';
import { mistakeLines } from './mistake.js';
import type { ServiceContext } from './service-context.js';
import { readTasksFiles } from './tasks-file.js';

const directory = temporaryDirectory();
const path = join(directory, 'tasks.yaml');

const run = () => undefined;

const service: ServiceContext = {
  declarationOf: (task) => (task === 'demo' ? 'DemoTask' : undefined),
  classes: new Map([
    ['English', [defineSubTask({ name: 'english' }, { run }, 'English')]],
    ['Spanish', [defineSubTask({ name: 'spanish' }, { run }, 'Spanish')]],
    ['Twin', ['a', 'b'].map((name) => defineSubTask({ name }, { run }, 'Twin'))],
  ]),
  handlerOf: () => ({ run }),
  configure: () => undefined,
};

function read(text: string | Buffer, around?: ServiceContext, environment: NodeJS.ProcessEnv = {}) {
  writeFileSync(path, text);
  return readTasksFiles([path], environment, around)[0]!;
}

/** What is wrong with a file, each mistake as its line says it, without the name of the file. */
function mistakesOf(text: string | Buffer, around?: ServiceContext): string[] {
  return mistakeLines(read(text, around).mistakes).map((line) => line.replace(`${path}:`, ''));
}

/** A task `t` of one sub-task, whose other members are given; they begin in line 4, column 5. */
const taskWith = (members: string) =>
  `tasks:
  t:
    subTasks: [{ name: a, kind: http, url: 'https://a.example/' }]
    ${members}
`;

/** A task of one sub-task, with one member more; it begins in line 7, column 9. */
const subTaskWith = (member: string) =>
  `tasks:
  t:
    subTasks:
      - name: a
        kind: http
        url: https://a.example/
        ${member}
`;

const IS_TEXT = 'not a text';

describe('a tasks file', () => {
  test('makes definitions of its tasks, with the defaults filled in', () => {
    const { tasks, mistakes } = read(
      `# yaml-language-server: $schema=./tasks.schema.json
tasks:
  weather:
    input: { type: object, required: [city] }
    reply: { policy: primary, primary: us }
    losers: { policy: cancel-after, after: 2s }
    deadline: 30s
    order: learned
    hedgeBudget: 5%
    coalesce: { key: '{input.city}', for: 200ms, shared: true }
    reuse: { for: 30s, staleIfError: 1h }
    concurrencyKey: '{labels.tenant}'
    concurrencyPerKey: 5
    subTasks:
      - name: eu
        kind: http
        url: https://eu.example/{?city}
        timeout: 2s
        retry: { attempts: 3, delay: 1s, maxDelay: 5s, maxWait: 1m }
        concurrency: 50
        headers: { X-Lang: '{header.Accept-Language}' }
        forwardHeaders: [X-Tenant, x-b]
      - { name: us, kind: http, url: https://us.example/, start: { after: p95, coldStart: 80ms } }
  greet:
    subTasks: [{ kind: class, class: English }, { kind: class, class: Spanish, start: after-failure }]
  ask:
    subTasks:
      - { kind: class, class: English, shadow: { sample: 5%, pointer: /text } }
      - { kind: class, class: Spanish, when: "{% language = 'es' %}" }
`,
      service,
    );
    expect(tasks.at(-1)).toMatchObject({
      subTasks: [{ name: 'spanish' }, { name: 'english' }],
      conditions: new Map([['spanish', { text: "{% language = 'es' %}" }]]),
      shadows: new Map([['english', { sample: '5%', pointer: '/text' }]]),
    });
    expect(mistakes).toEqual([]);
    expect(tasks.slice(0, -1)).toMatchObject([
      {
        name: 'weather',
        reply: { policy: 'primary', primary: 'us' },
        losers: { policy: 'cancel-after', after: '2s' },
        deadline: '30s',
        order: 'learned',
        hedgeBudget: 0.05,
        fairness: { key: { text: '{labels.tenant}' }, perKey: 5 },
        coalescing: {
          key: { text: '{input.city}' },
          forMs: 200,
          shared: true,
          reuse: { forMs: 30_000, staleIfErrorMs: 3_600_000 },
        },
        starts: ['at-once', { after: 'p95', coldStart: '80ms' }],
        callerHeaders: ['x-tenant', 'x-b', 'accept-language'],
        subTasks: [
          {
            name: 'eu',
            timeoutMs: 2_000,
            retry: { attempts: 3, delayMs: 1_000, maxDelayMs: 5_000, maxWaitMs: 60_000 },
            concurrency: 50,
          },
          { name: 'us', timeoutMs: 60_000, retry: { attempts: 1 }, concurrency: Infinity },
        ],
      },
      {
        name: 'greet',
        reply: { policy: 'first-success' },
        losers: 'continue',
        order: 'declared',
        hedgeBudget: 0.1,
        fairness: undefined,
        input: undefined,
        starts: ['at-once', 'after-failure'],
        subTasks: [{ name: 'english' }, { name: 'spanish' }],
      },
    ]);
  });

  test('says how streams race and what becomes of one that breaks off', () => {
    const wins = () => true;
    const { tasks, mistakes } = read(
      `tasks:
  chat:
    onBreak: restart
    subTasks:
      - { name: a, kind: http, url: https://a.example/, stream: sse, chunk: /text, firstChunk: 2s, idle: 5s }
      - { name: b, kind: http, url: https://b.example/, stream: bytes }
  whole:
    subTasks: [{ name: a, kind: http, url: https://a.example/ }]
`,
      { ...service, handlerOf: ({ stream }) => ({ run, wins: stream === 'sse' ? wins : undefined }) },
    );
    expect(mistakes).toEqual([]);
    expect(tasks).toMatchObject([
      {
        onBreak: 'restart',
        losers: 'cancel',
        subTasks: [
          { timeoutMs: 600_000, stream: { wins, firstChunkMs: 2_000, idleMs: 5_000 } },
          { timeoutMs: 600_000, stream: { firstChunkMs: Infinity, idleMs: 10_000 } },
        ],
      },
      { onBreak: 'fail', losers: 'continue', subTasks: [{ timeoutMs: 60_000, stream: undefined }] },
    ]);
  });

  test('says which upstreams have a breaker: those of literal URLs by their origins, shadows by themselves', () => {
    const { tasks, mistakes } = read(
      `defaults:
  http: { breaker: true }
tasks:
  weather:
    subTasks:
      - { name: a, kind: http, url: 'https://A.example:443/x/{city}' }
      - { name: b, kind: http, url: '\${API_URL}/{city}' }
      - { name: c, kind: http, url: https://c.example/, breaker: false }
      - { name: d, kind: http, url: https://d.example/, breaker: { upstream: eu, slow: 2s, failures: 25% } }
      - { name: e, kind: http, url: 'https://a.example/new/{city}', shadow: true }
      - { name: f, kind: http, url: https://f.example/, breaker: { upstream: eu }, shadow: true }
`,
      { ...service, handlerOf: () => ({ run }) },
      { API_URL: 'https://secret.example' },
    );
    expect(mistakes).toEqual([]);
    const terms = {
      ...{
        upstream: undefined,
        windowMs: 30_000,
        least: 10,
        failures: 0.5,
        slowMs: Infinity,
        slowShare: 0.8,
      },
      ...{ cooldownMs: 5_000, maxCooldownMs: 60_000 },
    };
    expect(tasks[0]?.subTasks.map(({ breaker }) => breaker)).toEqual([
      { ...terms, upstream: 'https://a.example' },
      terms,
      undefined,
      { ...terms, upstream: 'eu', slowMs: 2_000, failures: 0.25 },
      terms,
      { ...terms, upstream: 'eu' },
    ]);
  });

  test.each([
    [
      'JSON',
      JSON.stringify({
        $schema: './tasks.schema.json',
        tasks: { t: { subTasks: [{ kind: 'class', class: 'English' }] } },
      }),
    ],
    [
      'a byte order mark and CRLF',
      '\uFEFFtasks:\r\n  t:\r\n    subTasks:\r\n      - kind: class\r\n        class: English\r\n',
    ],
    ['a start of a document', '---\ntasks: { t: { subTasks: [{ kind: class, class: English }] } }\n...\n'],
    ['aliases', 'tasks: { t: { subTasks: &s [{ kind: class, class: English }] }, u: { subTasks: *s } }'],
  ])('may have %s', (_what, text) => {
    const { tasks, mistakes } = read(text, service);
    expect(mistakes).toEqual([]);
    expect(tasks[0]?.subTasks[0]?.name).toBe('english');
  });

  test.each<[string, string, string[]]>([
    ['nothing', '', ['1:1: holds nothing; it takes tasks:, and below it each task by its name']],
    [
      'a remark alone',
      '# later\n',
      ['1:1: holds nothing; it takes tasks:, and below it each task by its name'],
    ],
    ['a text', 'tasks', [`1:1: takes members, ${IS_TEXT}`]],
    ['no tasks', 'task: {}', ['1:1: tasks: is missing', '1:1: task: is not known here; is tasks meant?']],
    [
      'several documents',
      'tasks: {}\n---\ntasks: {}\n',
      ['2:1: is a second document; put all tasks into one'],
    ],
    ['YAML 1.1', '%YAML 1.1\n---\ntasks: {}', ['1:1: is YAML 1.1; take %YAML 1.1 out: it takes YAML 1.2']],
    [
      'no end of a list',
      'tasks: [1\n',
      ['2:1: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    ['tabs', 'tasks:\n\tt: {}\n', ['2:1: Tabs are not allowed as indentation']],
    ['a list as a name', 'tasks: { ? [a] : {} }', ['1:12: takes a text as the name of a member']],
    [
      'a member twice',
      taskWith('losers: cancel\n    losers: continue'),
      ['5:5: tasks.t.losers: stands twice, first in line 4; remove one'],
    ],
    [
      'a name that changes prototypes',
      taskWith('__proto__: {}'),
      ['4:5: tasks.t.__proto__: is a name that nothing may have'],
    ],
    [
      'a tag',
      taskWith('losers: !!binary aGk='),
      [
        '4:22: tasks.t.losers: has the tag tag:yaml.org,2002:binary; take it out: it takes what JSON can hold',
      ],
    ],
    [
      'an alias of nothing',
      taskWith('losers: *none'),
      ['4:13: tasks.t.losers: refers to &none, which doesn’t stand before it; name an anchor that does'],
    ],
    [
      'an alias within itself',
      taskWith('input: &i { not: *i }'),
      ['4:22: tasks.t.input.not: stands within &i, which it refers to; write the value out'],
    ],
    [
      'an endless number',
      taskWith('input: { enum: [.inf] }'),
      ['4:21: tasks.t.input.enum[0]: is a number that JSON can’t hold exactly; quote it to make it a text'],
    ],
    [
      'a number that loses digits',
      taskWith('input: { const: 12345678901234567890 }'),
      ['4:21: tasks.t.input.const: is a number that JSON can’t hold exactly; quote it to make it a text'],
    ],
    [
      'too many levels',
      taskWith(`input: { const: ${'{ a: '.repeat(101)}1${' }'.repeat(101)} }`),
      [
        expect.stringMatching(
          /^4:\d+: tasks\.t\.input\.const(\.a)+: is nested too deeply; it takes at most 100 levels$/,
        ) as unknown as string,
      ],
    ],
    [
      'a name of a task that no path can hold',
      'tasks: { a/b: { subTasks: [{ kind: class, class: C }] } }',
      [
        '1:10: tasks["a/b"]: takes 1 to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit',
      ],
    ],
    ['a task without members', 'tasks:\n  t:\n', ['2:5: tasks.t: takes members, not nothing']],
    ['a task without sub-tasks', 'tasks:\n  t:\n    losers: cancel\n', ['2:3: tasks.t.subTasks: is missing']],
    [
      'a task with no sub-task',
      'tasks: { t: { subTasks: [] } }',
      ['1:25: tasks.t.subTasks: takes at least one sub-task'],
    ],
    [
      'a sub-task of no kind',
      'tasks: { t: { subTasks: [{ name: a }] } }',
      ['1:26: tasks.t.subTasks[0].kind: is missing; it takes "http" or "class"'],
    ],
    [
      'a sub-task of another kind',
      'tasks: { t: { subTasks: [{ kind: ftp }] } }',
      ['1:34: tasks.t.subTasks[0].kind: takes "http" or "class"'],
    ],
    [
      'a sub-task without an address',
      'tasks: { t: { subTasks: [{ kind: http, name: a }] } }',
      [expect.stringMatching(/^1:26: tasks\.t\.subTasks\[0\]\.url: is missing/) as unknown as string],
    ],
    [
      'a sub-task without a name',
      'tasks:\n  t:\n    subTasks:\n      - kind: http\n        url: https://a.example\n',
      ['4:9: tasks.t.subTasks[0].name: is missing; it takes something like "eu"'],
    ],
    [
      'a misspelt member',
      subTaskWith('timout: 2s'),
      ['7:9: tasks.t.subTasks[0].timout: is not known here; is timeout meant?'],
    ],
    [
      'a member of something else',
      taskWith('reply: { policy: all, quorum: 2 }'),
      ['4:27: tasks.t.reply.quorum: is not known here; there are policy, deadline, min'],
    ],
    [
      'a duration without its unit',
      subTaskWith('timeout: 2'),
      ['7:18: tasks.t.subTasks[0].timeout: takes a text such as "2s", not a number'],
    ],
    [
      'a timeout of nothing',
      subTaskWith('timeout: 0s'),
      ['7:18: tasks.t.subTasks[0].timeout: takes more than 0: no attempt could succeed'],
    ],
    [
      'a breaker with a share that is none',
      subTaskWith('breaker: { failures: half }'),
      ['7:30: tasks.t.subTasks[0].breaker.failures: takes a share such as 50%, from 1% to 100%'],
    ],
    [
      'a breaker with an option that it has not',
      subTaskWith('breaker: { limit: 2 }'),
      [
        '7:20: tasks.t.subTasks[0].breaker.limit: is not known here; there are upstream, window, least, failures, slow, slowShare, cooldown, maxCooldown',
      ],
    ],
    [
      'a breaker that is neither on nor off',
      subTaskWith('breaker: sometimes'),
      ['7:18: tasks.t.subTasks[0].breaker: takes true for all defaults, false for none, or its options'],
    ],
    [
      'a duration that is none',
      subTaskWith('retry: { delay: soon }'),
      ['7:25: tasks.t.subTasks[0].retry.delay: takes a duration such as 250ms, 30s or 5m, at most 24d'],
    ],
    [
      'no attempts',
      subTaskWith('retry: { attempts: 0 }'),
      ['7:28: tasks.t.subTasks[0].retry.attempts: takes at least 1'],
    ],
    [
      'half a concurrency',
      subTaskWith('concurrency: 1.5'),
      ['7:22: tasks.t.subTasks[0].concurrency: takes a whole number, not a fraction'],
    ],
    [
      'a name that is a number',
      'tasks: { t: { subTasks: [{ kind: http, name: 5, url: https://a.example }] } }',
      ['1:46: tasks.t.subTasks[0].name: takes a text such as "eu", not a number'],
    ],
    [
      'what YAML 1.1 took for true',
      subTaskWith('allowPrivate: yes'),
      [`7:23: tasks.t.subTasks[0].allowPrivate: takes true or false, ${IS_TEXT}`],
    ],
    [
      'an expression that uses what isn’t there',
      subTaskWith("result: { a: /a, b: '{% $sun(c) %}' }"),
      ['7:29: tasks.t.subTasks[0].result.b: has $sun, which nothing sets; is $sum meant?'],
    ],
    [
      'a condition that is no expression',
      subTaskWith('expect: { when: a = 1 }'),
      ["7:25: tasks.t.subTasks[0].expect.when: takes an expression in JSONata such as {% state = 'done' %}"],
    ],
    [
      'a condition of a start that is no expression',
      subTaskWith('when: region'),
      [
        '7:15: tasks.t.subTasks[0].when: takes an expression in JSONata over the input, such as {% region = "eu" %}',
      ],
    ],
    [
      'a condition of a start that is no JSONata',
      subTaskWith("when: '{% region = %}'"),
      [
        '7:15: tasks.t.subTasks[0].when: is no JSONata: Unexpected end of expression, at character 10 of the expression',
      ],
    ],
    [
      'a condition of a start that asks for more than the input',
      subTaskWith("when: '{% $input.region %}'"),
      ['7:15: tasks.t.subTasks[0].when: has $input, which nothing sets; there are functions alone'],
    ],
    [
      'a shadow that is switched off',
      subTaskWith('shadow: false'),
      [
        '7:17: tasks.t.subTasks[0].shadow: takes true, or an object such as {"sample": "5%"} with sample, pointer and ignore',
      ],
    ],
    [
      'a shadow of a share that is none',
      subTaskWith('shadow: { sample: 120% }'),
      ['7:27: tasks.t.subTasks[0].shadow.sample: takes a percentage from 0% to 100%, such as 5%'],
    ],
    [
      'a shadow with a start rule',
      `${subTaskWith('shadow: true')}        start: at-once
      - { name: b, kind: http, url: 'https://b.example' }
`,
      [
        '8:16: tasks.t.subTasks[0].start: stands beside shadow, which begins with its run, behind the others; take one out',
      ],
    ],
    [
      'nothing but a shadow',
      subTaskWith('shadow: true'),
      [
        '2:3: tasks.t: All sub-tasks of the task t are shadows, so that nothing could be the reply; list one without shadow',
      ],
    ],
    [
      'a quorum that only a shadow could fill',
      `${subTaskWith('shadow: true')}      - { name: b, kind: http, url: 'https://b.example' }
    reply: { policy: quorum, quorum: 2 }
`,
      ['9:38: tasks.t.reply.quorum: 2 successes are more than the 1 sub-tasks of t'],
    ],
    [
      'a method that is none',
      subTaskWith('method: FETCH'),
      ['7:17: tasks.t.subTasks[0].method: takes "GET", "HEAD", "POST", "PUT", "PATCH" or "DELETE"'],
    ],
    [
      'a redaction that leads elsewhere',
      taskWith('redact: [/input, /output/a]'),
      [
        '4:14: tasks.t.redact[0]: takes a JSON Pointer below /input or from /result on, such as /input/card/number or /result/token; write keepInput: false for the whole input',
        '4:22: tasks.t.redact[1]: takes a JSON Pointer below /input or from /result on, such as /input/card/number or /result/token; write keepInput: false for the whole input',
      ],
    ],
    [
      'a redaction of what no input has',
      taskWith(
        'redact: [/result, /input/crad/number]\n    input: { properties: { card: {} }, additionalProperties: false }',
      ),
      ['4:23: tasks.t.redact[1]: no input has a member crad; is card meant?'],
    ],
    [
      'an agreement of redacted results',
      taskWith('redact: [/result/a]\n    reply: { policy: agreement, agreement: 2 }'),
      [
        '5:22: tasks.t.reply.policy: agreement compares results as the journal has them, but redact takes values out; use another policy',
      ],
    ],
    [
      'a private input for other nodes',
      subTaskWith('placement: worker\n    keepInput: false'),
      [
        '2:3: tasks.t: The sub-task a of t is placed on a worker, which has from the journal what it works with; take out its placement, or keepInput and redact',
      ],
    ],
    [
      'a policy as a text',
      taskWith('reply: all'),
      [`4:12: tasks.t.reply: takes members such as {"policy":"first-success"}, ${IS_TEXT}`],
    ],
    [
      'a policy that is none',
      taskWith('reply: { policy: most }'),
      [
        '4:22: tasks.t.reply.policy: takes "first-success", "first-settled", "primary", "quorum", "all", "agreement" or "deadline"',
      ],
    ],
    [
      'losers that are none',
      taskWith('losers: stop'),
      ['4:13: tasks.t.losers: takes "continue", "cancel" or {"policy": "cancel-after", "after": "2s"}'],
    ],
    [
      'a budget without a percent sign',
      taskWith('hedgeBudget: 10'),
      ['4:18: tasks.t.hedgeBudget: takes a text such as "10%", not a number'],
    ],
    [
      'a key of equal requests that no input has',
      taskWith(
        "coalesce: { key: '{input.citty}' }\n    input: { properties: { city: {} }, additionalProperties: false }",
      ),
      ['4:22: tasks.t.coalesce.key: has {input.citty}, but no input has a member citty; is city meant?'],
    ],
    [
      'replies that are used for no time',
      taskWith('reuse: { for: 0s }'),
      ['4:19: tasks.t.reuse.for: takes more than 0: leave reuse out'],
    ],
    [
      'a failure that is answered for a shorter time than others',
      taskWith('reuse: { for: 30s, staleIfError: 10s }'),
      ['4:38: tasks.t.reuse.staleIfError: takes more than `for`: until then the reply answers anyway'],
    ],
    [
      'a template of keys that names nothing of a request',
      taskWith("concurrencyKey: '{tenant}'"),
      [
        '4:21: tasks.t.concurrencyKey: has {tenant}, which is nothing of a request; a template names {input.tenant}, {input}, {labels.tenant} or {client}, and "{{" and "}}" are literal braces',
      ],
    ],
    [
      'a key of slots that no input has',
      taskWith(
        "concurrencyKey: '{input.citty}'\n    input: { properties: { city: {} }, additionalProperties: false }",
      ),
      ['4:21: tasks.t.concurrencyKey: has {input.citty}, but no input has a member citty; is city meant?'],
    ],
    [
      'a bound of keys without a key',
      taskWith('concurrencyPerKey: 5'),
      [
        '2:3: tasks.t: The concurrencyKey of t is wrong: concurrencyPerKey bounds each key of concurrencyKey, which is missing; add it',
      ],
    ],
    [
      'a schema of the input that is none',
      taskWith('input: { properties: { a: { type: strng } } }'),
      [
        '4:39: tasks.t.input.properties.a.type: must be equal to one of the allowed values: array, boolean, integer, null, number, object, string',
      ],
    ],
    [
      'a schema with a member that says nothing',
      taskWith('input: { propertis: {} }'),
      [
        '4:25: tasks.t.input.propertis: is no keyword of JSON Schema 2020-12 and would check nothing; is properties meant?',
      ],
    ],
    [
      'a schema from elsewhere',
      taskWith('input: { $ref: "https://a.example/s.json" }'),
      [
        '4:20: tasks.t.input.$ref: leads to no schema in this one, and nothing is fetched; copy it into $defs',
      ],
    ],
    [
      'a schema that waits',
      taskWith('input: { $async: true }'),
      ['4:22: tasks.t.input.$async: is not taken; take it out'],
    ],
    [
      'a schema that is no object',
      taskWith('input: true'),
      [
        '4:12: tasks.t.input: takes members such as {"type":"object","required":["city"],"properties":{"city":{"type":"string"}}}, not true or false',
      ],
    ],
    [
      'a primary that is no sub-task',
      taskWith('reply: { policy: primary, primary: b }'),
      ['4:40: tasks.t.reply.primary: "b" is no sub-task of t, which has a'],
    ],
    [
      'a quorum larger than the task',
      taskWith('reply: { policy: quorum, quorum: 2 }'),
      ['4:38: tasks.t.reply.quorum: 2 successes are more than the 1 sub-tasks of t'],
    ],
    [
      'more successes at a deadline than sub-tasks',
      taskWith('reply: { policy: deadline, deadline: 2s, min: 2 }'),
      ['4:51: tasks.t.reply.min: 2 successes are more than the 1 sub-tasks of t'],
    ],
    [
      'a stream that nobody reads in pieces',
      subTaskWith('stream: sse\n        as: json'),
      [
        '8:13: tasks.t.subTasks[0].as: reads the whole answer, and a stream has none; take it out: stream says what its pieces are',
      ],
    ],
    [
      'a stream on a worker',
      subTaskWith('stream: sse\n        placement: worker'),
      [
        '4:9: tasks.t.subTasks[0]: The sub-task a streams, which only the node of its run can; take out its placement',
      ],
    ],
    [
      'a part of a frame without a stream',
      subTaskWith('chunk: /a'),
      ['7:16: tasks.t.subTasks[0].chunk: is for streams; write stream: sse, ndjson or bytes, or take it out'],
    ],
    [
      'a kind of stream that there is not',
      subTaskWith('stream: jsonl'),
      ['7:17: tasks.t.subTasks[0].stream: takes "sse", "ndjson" or "bytes"'],
    ],
    [
      'another thing to do at a break',
      taskWith('onBreak: retry'),
      ['4:14: tasks.t.onBreak: takes "fail" or "restart"'],
    ],
    [
      'a stream whose result is redacted',
      subTaskWith('stream: sse\n    redact: [/result]'),
      [
        '2:3: tasks.t: The sub-task a of t streams, and the journal has its chunks as they are; take out its stream, or what redact says of results',
      ],
    ],
    ['a deadline at once', taskWith('deadline: 0s'), ['4:15: tasks.t.deadline: takes more than 0']],
  ])('is refused with %s', (_what, text, mistakes) => {
    expect(mistakesOf(text)).toEqual(mistakes);
  });

  test.each<[string, string, string]>([
    [
      'a private address',
      "url: 'http://127.0.0.1/'",
      '1:45: tasks.t.subTasks[0].url: 127.0.0.1 is no public address',
    ],
    [
      'a host of the input',
      "url: 'https://{host}/'",
      '1:45: tasks.t.subTasks[0].url: has an expression in its origin',
    ],
    [
      'a header that is the service’s',
      'url: https://a.example/, headers: { Host: x }',
      '1:82: tasks.t.subTasks[0].headers.Host: Host is set by the service itself',
    ],
    [
      'a pointer that is none',
      'url: https://a.example/, result: a',
      '1:73: tasks.t.subTasks[0].result: takes a JSON Pointer',
    ],
    [
      'a body that GET hasn’t',
      'url: https://a.example/, body: { a: 1 }',
      '1:71: tasks.t.subTasks[0].body: a GET has no body',
    ],
  ])('is refused with a call that has %s', (_what, members, mistake) => {
    const text = `tasks: { t: { subTasks: [{ kind: http, ${members}, name: a }] } }`;
    expect(mistakesOf(text)).toEqual([expect.stringContaining(mistake)]);
  });

  test('is refused with what doesn’t fit together in a call, although members of it are wrong by themselves', () => {
    const text =
      "tasks: { t: { subTasks: [{ kind: http, url: 'http://127.0.0.1/', timeout: 2, more: 1 }] } }";
    expect(mistakesOf(text)).toEqual([
      expect.stringContaining('tasks.t.subTasks[0].name: is missing'),
      expect.stringContaining('tasks.t.subTasks[0].url: 127.0.0.1 is no public address'),
      expect.stringContaining('tasks.t.subTasks[0].timeout: takes a text'),
      expect.stringContaining('tasks.t.subTasks[0].more: is not known here'),
    ]);
  });

  test.each([
    ['that start in another order', 'start: after-failure', 'b starts at once but stands behind a'],
    ['of which none starts at once', 'start: after-failure', 'no sub-task starts at once'],
  ])('is refused with sub-tasks %s', (what, start, mistake) => {
    const other = what.includes('order') ? "\n      - { kind: http, name: b, url: 'https://b.example' }" : '';
    const text = `tasks:
  t:
    subTasks:
      - { kind: http, name: a, url: 'https://a.example', ${start} }${other}
`;
    expect(mistakesOf(text)).toEqual([
      expect.stringContaining(`2:3: tasks.t: The start rules of t don't fit: ${mistake}`),
    ]);
  });

  test('is refused with two sub-tasks of one name, although the other members of one are wrong as well', () => {
    const text = `tasks:
  t:
    subTasks:
      - { name: a, kind: http, url: 'https://a.example', timeout: 1 }
      - { name: b, kind: http, url: 'https://a.example' }
      - { name: a, kind: http, url: 'https://a.example' }
`;
    expect(mistakesOf(text)).toEqual([
      '4:67: tasks.t.subTasks[0].timeout: takes a text such as "2s", not a number',
      '6:17: tasks.t.subTasks[2].name: another sub-task, subTasks[0], is named "a" too; rename or remove one',
    ]);
  });

  test('is refused with all that is wrong at once, in the order of the file', () => {
    const lines = mistakesOf(`tasks:
  one: { subTasks: [{ kind: http, name: a, url: 'https://a.example', timeout: 2 }], losers: 1 }
  two: { input: { type: text }, subTasks: [{ kind: htp }] }
  three: { reply: { policy: quorum, quorum: 9 }, subTasks: [{ kind: class, class: English }] }
more: 1
`);
    expect(lines.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      '2:79 tasks.one.subTasks[0].timeout',
      '2:93 tasks.one.losers',
      '3:25 tasks.two.input.type',
      '3:52 tasks.two.subTasks[0].kind',
      '4:45 tasks.three.reply.quorum',
      '5:1 more',
    ]);
  });

  test('tells of a hundred mistakes, and how many more there are', () => {
    const members = Array.from({ length: 103 }, (_, index) => `x${index}: 1`).join(', ');
    const lines = mistakesOf(`{ tasks: {}, ${members} }`);
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toBe('and 3 more');
  });

  test('says nothing of what its values are: they may be secret', () => {
    const text = subTaskWith(
      'headers: { Authorization: [sesame] }\n        method: sesame\n        timeout: sesame',
    );
    const lines = mistakesOf(text);
    expect(lines).toHaveLength(3);
    expect(lines.join('\n')).not.toContain('sesame');
  });

  test('can’t stand for more values than it takes, by aliases of aliases', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `  - &l${level + 1} [${Array(9).fill(`*l${level}`).join(', ')}]`,
    );
    const lines = mistakesOf(['tasks: {}', 'more:', '  - &l0 lol', ...levels].join('\n'));
    expect(lines).toContainEqual(
      expect.stringContaining(
        'is one value too many, counting each alias as what it stands for: it takes 50000',
      ),
    );
  });

  test('may give an anchor a new value: an alias stands for what was there last before it', () => {
    const { tasks, mistakes } = read(
      `tasks:
  t: { losers: &l cancel, subTasks: &s [{ kind: class, class: English }] }
  u: { losers: *l, subTasks: *s }
  v: { losers: &l continue, subTasks: *s }
  w: { losers: *l, subTasks: *s }
`,
      service,
    );
    expect(mistakes).toEqual([]);
    expect(tasks.map(({ losers }) => losers)).toEqual(['cancel', 'cancel', 'continue', 'continue']);
  });

  test('is refused when it is nested so deeply that nothing could read it', () => {
    expect(mistakesOf(`tasks: ${'['.repeat(100_000)}`)).toEqual([
      expect.stringMatching(/^1:\d+: is nested too deeply; it takes at most 100 levels$/),
    ]);
  });

  test.each<[string, () => string, RegExp]>([
    [
      'it isn’t there',
      () => join(directory, 'nowhere.yaml'),
      /nowhere\.yaml: there is no such file; make it, or set another$/,
    ],
    [
      'it is a folder without any',
      () => mkdtempSync(join(directory, 'empty-')),
      /: in this folder no \.yaml, \.yml or \.json file is found; add one$/,
    ],
    ['it is a device', () => '/dev/zero', /: this is no regular file; set one$/],
    [
      'it is too large',
      () => (writeFileSync(path, '#'.repeat(2 ** 20 + 1)), path),
      /: it has 1048577 bytes; it takes at most 1 MiB$/,
    ],
    [
      'it is not UTF-8',
      () => (writeFileSync(path, Buffer.from('tasks: {} # caf\xe9', 'latin1')), path),
      /: it is not UTF-8; save it as UTF-8$/,
    ],
    [
      'it is UTF-16',
      () => (writeFileSync(path, Buffer.from('\uFEFFtasks: {}', 'utf16le')), path),
      /: it is not UTF-8; save it as UTF-8$/,
    ],
    [
      'a part of its path is a file',
      () => (writeFileSync(path, ''), join(path, 'x.yaml')),
      /: there is no such file; make it, or set another$/,
    ],
  ])('can’t be read when %s', (_what, file, message) => {
    const [found] = readTasksFiles([file()], {});
    expect(found).toMatchObject({ tasks: [], unset: [] });
    expect(mistakeLines(found!.mistakes)).toEqual([expect.stringMatching(message)]);
  });
});

describe('a tasks file in a service', () => {
  const tasks = (members: string) => `tasks:\n  t:\n    subTasks:\n      - ${members}\n`;

  test.each<[string, string, string[]]>([
    [
      'a class that no module provides',
      tasks('{ kind: class, class: Englsh }'),
      [
        '4:31: tasks.t.subTasks[0].class: is no class with @SubTask that a module provides; is English meant?',
      ],
    ],
    [
      'a class that there is nothing like',
      tasks('{ kind: class, class: Klingon }'),
      [
        '4:31: tasks.t.subTasks[0].class: is no class with @SubTask that a module provides; there are English, Spanish, Twin',
      ],
    ],
    [
      'a class that there are two of',
      tasks('{ kind: class, class: Twin }'),
      ['4:31: tasks.t.subTasks[0].class: is the name of two classes; rename one'],
    ],
    [
      'a class twice',
      tasks('{ kind: class, class: English }\n      - { kind: class, class: English }'),
      [
        '5:31: tasks.t.subTasks[1].class: another sub-task, subTasks[0], is named "english" too; rename or remove one',
      ],
    ],
    [
      'a call named as a class’s sub-task',
      tasks(
        "{ kind: class, class: English }\n      - { kind: http, name: english, url: 'https://a.example' }",
      ),
      [
        '5:29: tasks.t.subTasks[1].name: another sub-task, subTasks[0], is named "english" too; rename or remove one',
      ],
    ],
    [
      'a task named as one of the code',
      'tasks:\n  demo: { subTasks: [{ kind: class, class: English }] }\n',
      ['2:3: tasks.demo: is the name of a task of the code, DemoTask, too; rename one'],
    ],
    [
      'a primary that no class has',
      'tasks: { t: { reply: { policy: primary, primary: English }, subTasks: [{ kind: class, class: English }] } }',
      ['1:50: tasks.t.reply.primary: "English" is no sub-task of t, which has english'],
    ],
  ])('is refused with %s, of which nothing is known without one', (what, text, mistakes) => {
    expect(mistakesOf(text, service)).toEqual(mistakes);
    expect(mistakesOf(text)).toHaveLength(what === 'a class twice' ? 1 : 0);
  });

  test('has its sub-tasks made with what is theirs alone', () => {
    const made: unknown[] = [];
    read(subTaskWith('timeout: 2s\n        method: POST\n        result: /a'), {
      ...service,
      configure: () => undefined,
      handlerOf: (request) => (made.push(request), { run }),
    });
    expect(made).toEqual([{ url: 'https://a.example/', method: 'POST', result: '/a' }]);
  });

  test('is refused with what making a sub-task says, at the place of that', () => {
    const handlerOf = () => {
      throw new Error('no such host');
    };
    expect(mistakesOf(subTaskWith('timeout: 2s'), { ...service, handlerOf })).toEqual([
      '4:9: tasks.t.subTasks[0]: no such host',
    ]);
  });
});

describe('the variables that a tasks file names', () => {
  const text = subTaskWith("headers: { A: '${ONE} ${TWO}', B: '$ONE {two}' }");
  const unset = (environment: NodeJS.ProcessEnv) =>
    read(text, undefined, environment).unset.map(({ line, column, message }) => [line, column, message]);

  test('are told of where the environment hasn’t them, or has them empty', () => {
    expect(unset({ TWO: '' })).toEqual([
      [7, 23, 'takes the environment variable ONE, which is not set; set it'],
      [7, 23, 'takes the environment variable TWO, which is not set; set it'],
    ]);
    expect(unset({ ONE: '1', TWO: '2' })).toEqual([]);
  });

  test('are no mistakes of the file', () => {
    const { tasks, mistakes } = read(text);
    expect(mistakes).toEqual([]);
    expect(tasks).toHaveLength(1);
  });
});
