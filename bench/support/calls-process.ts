/** Calls an upstream again and again, in a process of its own, whose CPU is what is measured. */
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import type { HttpSubTask as HttpSubTaskClass } from '../../src/upstreams/http-sub-task.ts';
import type { Upstreams as UpstreamsClass } from '../../src/upstreams/upstreams.ts';
import { FIRST_RESULT } from '../servers/server-spec.ts';
import type { CallsCommand, CallsLap, Way } from './calls-protocol.ts';

type Call = () => Promise<unknown>;

const [dist = ''] = process.argv.slice(2);
const { HttpSubTask } = (await import(`${dist}/upstreams/http-sub-task.js`)) as {
  HttpSubTask: typeof HttpSubTaskClass;
};
const { Upstreams } = (await import(`${dist}/upstreams/upstreams.js`)) as {
  Upstreams: typeof UpstreamsClass;
};

const TIMEOUT_MS = 60_000;
const logger = { log: () => undefined, warn: () => undefined, error: () => undefined };

/** Kept from turn to turn, with their connections. */
const calls = new Map<Way, Call>();

function callOf({ way, url, connections }: CallsCommand): Call {
  const known = calls.get(way);
  if (known) return known;
  const call = way === 'bare' ? bare(url, connections) : subTask(url);
  calls.set(way, call);
  return call;
}

function bare(url: string, connections: number): Call {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  return async () => {
    const { body } = await pool.request({ method: 'GET', path: pathname });
    return body.json();
  };
}

/** With what an attempt gives it: a deadline, and a signal of its own. */
function subTask(url: string): Call {
  const handler = new HttpSubTask({ url, allowPrivate: true }, new Upstreams(), {});
  const runId = randomUUID();
  return async () =>
    handler.run(null, {
      runId,
      attempt: 1,
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      callerHeaders: {},
      idempotencyKey: `${runId}/a`,
      deadline: new Date(Date.now() + TIMEOUT_MS),
      progress: () => undefined,
      signal: new AbortController().signal,
      logger,
    });
}

async function measure(command: CallsCommand): Promise<CallsLap> {
  const call = callOf(command);
  const startedAt = performance.now();
  const until = startedAt + command.seconds * 1000;
  const cpuBefore = process.cpuUsage();
  let done = 0;
  let faults = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      if ((await call()) !== FIRST_RESULT) faults += 1;
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: command.connections }, caller));
  const { user, system } = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - startedAt) / 1000;
  return { calls: done, faults, seconds, cpuMicroseconds: user + system };
}

process.on('message', (command) => {
  void measure(command as CallsCommand).then((lap) => process.send?.(lap));
});
process.on('disconnect', () => process.exit());
