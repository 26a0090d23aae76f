import { readFileSync } from 'node:fs';
import type { BackingKind } from './backing.ts';

/** How a peer is started: by a module of Node, or of Python; `service`: this project's own. */
type Program =
  | { readonly kind: 'service' }
  | { readonly kind: 'node'; readonly module: string; readonly package?: string }
  | {
      readonly kind: 'python';
      readonly module: string;
      readonly imports: readonly string[];
      readonly worker?: true;
    };

/** What does the job, and what it needs for that. */
export interface Peer {
  readonly key: string;
  readonly name: string;
  readonly program: Program;
  readonly backing: BackingKind;
  /** What of a job is to outlive a crash, by its documentation. */
  readonly keeps: 'all' | 'nothing';
  /** How it is set up, for the reader of the figures. */
  readonly about: string;
}

const node = (module: string, name?: string): Program => ({
  kind: 'node',
  module,
  ...(name && { package: name }),
});

/** Each with settings as safe from a power cut as those of the others: every answer waits for an fsync, or for a group's. */
export const PEERS: readonly Peer[] = [
  {
    key: 'frontrunner-sqlite',
    name: 'Frontrunner, SQLite',
    program: node('frontrunner.mjs'),
    backing: 'sqlite',
    keeps: 'all',
    about: 'the library in the process that answers, journalDurability: power',
  },
  {
    key: 'frontrunner-postgres',
    name: 'Frontrunner, Postgres',
    program: node('frontrunner.mjs'),
    backing: 'postgres',
    keeps: 'all',
    about: 'the library in the process that answers, synchronous_commit=on',
  },
  {
    key: 'frontrunner-service',
    name: 'Frontrunner, service',
    program: { kind: 'service' },
    backing: 'sqlite',
    keeps: 'all',
    about: 'the service with its demo, JOURNAL_DURABILITY=power; what it keeps is what the library keeps',
  },
  {
    key: 'restate-run',
    name: 'Restate, ctx.run',
    program: node('restate-run.mjs', '@restatedev/restate-sdk'),
    backing: 'restate',
    keeps: 'all',
    about:
      'a workflow with three ctx.run and a durable promise; two calls of the ingress a request; one partition',
  },
  {
    key: 'restate-children',
    name: 'Restate, services',
    program: node('restate-children.mjs', '@restatedev/restate-sdk'),
    backing: 'restate',
    keeps: 'all',
    about: 'a service that races three calls of another; one call of the ingress a request; one partition',
  },
  {
    key: 'dbos',
    name: 'DBOS',
    program: node('dbos.mjs', '@dbos-inc/dbos-sdk'),
    backing: 'postgres',
    keeps: 'all',
    about: 'a workflow with three steps at once, and an event for the caller',
  },
  {
    key: 'bullmq',
    name: 'BullMQ',
    program: node('bullmq.mjs', 'bullmq'),
    backing: 'redis',
    keeps: 'all',
    about: 'three jobs, addBulk, a worker of 1,000 in the process, waitUntilFinished; appendfsync always',
  },
  {
    key: 'pg-boss',
    name: 'pg-boss',
    program: node('pg-boss.mjs', 'pg-boss'),
    backing: 'postgres',
    keeps: 'all',
    about: 'three jobs, workers woken by NOTIFY, results by NOTIFY',
  },
  {
    key: 'graphile-worker',
    name: 'graphile-worker',
    program: node('graphile-worker.mjs', 'graphile-worker'),
    backing: 'postgres',
    keeps: 'all',
    about: 'three jobs, 600 at once, localQueue of 1,200, results by NOTIFY',
  },
  {
    key: 'openworkflow',
    name: 'openworkflow, SQLite',
    program: node('openworkflow.mjs', 'openworkflow'),
    backing: 'sqlite',
    keeps: 'all',
    about: 'three workflows of a step, whose results its client asks for once a second',
  },
  {
    key: 'celery',
    name: 'Celery',
    program: {
      kind: 'python',
      module: 'celery_app',
      imports: ['celery', 'redis', 'fastapi', 'uvicorn'],
      worker: true,
    },
    backing: 'redis',
    keeps: 'all',
    about: 'three tasks, acks_late, 600 threads, results by a list; appendfsync always',
  },
  {
    key: 'fastapi',
    name: 'FastAPI',
    program: {
      kind: 'python',
      module: 'fastapi_app',
      imports: ['fastapi', 'uvicorn', 'uvloop', 'httptools'],
    },
    backing: 'none',
    keeps: 'nothing',
    about: 'three coroutines; uvicorn, one worker, uvloop, httptools',
  },
  {
    key: 'bare',
    name: 'bare node:http',
    program: node('bare.mjs'),
    backing: 'none',
    keeps: 'nothing',
    about: 'Promise.race of three timers',
  },
];

/** What the user of a peer writes for the job: lines of its adapter without comments and blank ones; undefined of the service, which has it as its demo. */
export function linesOf({ program }: Peer): number | undefined {
  if (program.kind === 'service') return undefined;
  const name = program.kind === 'node' ? program.module : `${program.module}.py`;
  const text = readFileSync(new URL(`adapters/${name}`, import.meta.url), 'utf8');
  const code = text.replaceAll(/\/\*[^]*?\*\/|"""[^]*?"""/g, '').split('\n');
  return code.filter((line) => line.trim() !== '' && !/^\s*(?:\/\/|#)/.test(line)).length;
}
