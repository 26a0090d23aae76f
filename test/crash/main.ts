/** `npm run test:crash`: kills the built service again and again, and proves that it kept its promises. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reception } from '../webhooks/receivers.ts';
import { askAt, lastEventId, Webhooks } from '../webhooks/webhooks.ts';
import { proveAnswers } from './answers-proof.ts';
import { BuiltService, effectsIn } from './built-service.ts';
import { Callers } from './callers.ts';
import { Effects } from './effects.ts';
import { countUnfinished, proveLog, type LogProof } from './log-proof.ts';
import { readOptions, USAGE, type Options } from './options.ts';
import { planRounds, type Round } from './plan.ts';
import { Random } from './random.ts';
import { figure, list, say } from './report.ts';
import { databaseIn, SqliteLog } from './sqlite-log.ts';
import { StreamCallers } from './stream-callers.ts';
import { proveStreams } from './stream-proof.ts';
import { answersIn } from './told-stream.ts';

/** How long what the last kill has left may take to end. What is broken on purpose leaves what never ends. */
const PATIENCE_MS = 60_000;
const PATIENCE_WITH_FAULT_MS = 5_000;

async function main(options: Options): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'frontrunner-crash-'));
  writeFileSync(effectsIn(directory), '');
  const { rounds, callers, seed } = options;
  say(`Options: --rounds ${String(rounds)} --callers ${String(callers)} --seed ${String(seed)}`);
  const { violations, proof, answers, streams, deliveries } = await crashAndProve(options, directory);
  if (violations.length > 0) {
    list(violations);
    say(
      `${figure(violations.length)} violations; the database, the log and what receivers got are kept in ${directory}`,
    );
    process.exitCode = 1;
    return;
  }
  rmSync(directory, { recursive: true });
  say(
    `Proved over ${figure(rounds)} kills: ${figure(answers)} answers are what GET /runs/{id} says; ` +
      `${figure(proof.runs)} runs ended, their sub-tasks with one outcome each; ` +
      `${figure(proof.attempts)} attempts are contiguous, ${figure(proof.cutOff)} of them cut off by a kill; ` +
      `${figure(proof.successes)} successes left their side effect; ${figure(proof.events)} events have no gap; ` +
      `${streams}; ${deliveries}`,
  );
}

interface CrashProof {
  readonly violations: string[];
  readonly proof: LogProof;
  readonly answers: number;
  /** For people. */
  readonly streams: string;
  readonly deliveries: string;
}

/** Lets the service live as often as is wanted and once more, and holds what it says and has against the promises. */
async function crashAndProve(options: Options, directory: string): Promise<CrashProof> {
  const webhooks = await Webhooks.start(new Random(options.seed), async () => {
    const last = await lastEventIdIn(directory);
    return { known: last, recorded: last };
  });
  try {
    return await crashAndProveWith(webhooks, options, directory);
  } finally {
    await webhooks.close();
  }
}

async function crashAndProveWith(
  webhooks: Webhooks,
  { rounds, callers, seed, fault }: Options,
  directory: string,
): Promise<CrashProof> {
  const all = new Callers(webhooks.ofRuns);
  const streams = new StreamCallers();
  const faults: string[] = [];
  const lastEventIds: number[] = [];
  const begin = async (durability: Round['durability']): Promise<BuiltService> => {
    await webhooks.receivers.beginLife();
    lastEventIds[webhooks.receivers.life] = await lastEventIdIn(directory);
    const env = { ...settings(directory, durability), ...webhooks.ofRuns.env };
    const heard = (line: string) => {
      appendFileSync(join(directory, 'service.log'), `${line}\n`);
    };
    return new BuiltService({ directory, env, fault, heard });
  };
  for (const [index, round] of planRounds(seed, rounds, callers).entries()) {
    const service = await begin(round.durability);
    await play(round, service, all, streams, webhooks);
    faults.push(...service.errors);
    const told = figure(all.told.length);
    say(
      `Round ${String(index + 1)} of ${String(rounds)}: killed in its ${round.killedIn}; ${told} answers so far`,
    );
  }
  const patienceMs = fault === undefined ? PATIENCE_MS : PATIENCE_WITH_FAULT_MS;
  const service = await begin('power');
  const url = await service.url;
  await resumeSetAside(url);
  await untilAllEnded(directory, patienceMs);
  using log = new SqliteLog(directory);
  // What a process has recorded itself it delivers once to a receiver that takes it.
  const mayRepeat = (taken: Reception, again: Reception): boolean =>
    taken.life !== again.life || taken.id <= (lastEventIds[taken.life] ?? 0);
  const deliveries = await webhooks.prove(url, log, all.told, mayRepeat, patienceMs);
  const again = await streams.finish(service, url, patienceMs);
  const answerViolations = await proveAnswers(url, [...all.told, ...answersIn(streams.told)]);
  await service.stop();
  faults.push(...service.errors);
  if (all.told.length === 0) faults.push('no caller was told anything');
  const proof = await proveLog(log, new Effects(effectsIn(directory)));
  const ends = lastEventIds.map((last) => ({ from: last, to: last }));
  const streamed = await proveStreams(log, streams.told, again, ends);
  const violations = [
    ...answerViolations,
    ...proof.violations,
    ...streamed.violations,
    ...all.surprises,
    ...streams.surprises,
    ...deliveries.violations,
    ...faults.map((text) => `The service has a fault: ${text}`),
  ];
  if (violations.length > 0) webhooks.dump(directory);
  const cutOff = streams.told.reduce((sum, stream) => sum + stream.cutOff, 0);
  return {
    violations,
    proof,
    answers: all.told.length,
    streams:
      `${figure(streams.told.length)} streams, cut off ${figure(cutOff)} times, had ${figure(streamed.chunks)} chunks ` +
      `without gap or change, and began anew ${figure(streamed.restarts)} times, announced`,
    deliveries: deliveries.summary,
  };
}

/** 0 while there is no database, or nothing in it. */
async function lastEventIdIn(directory: string): Promise<number> {
  try {
    using log = new SqliteLog(directory);
    return await lastEventId(log);
  } catch {
    return 0;
  }
}

/** One life of the service. */
async function play(
  round: Round,
  service: BuiltService,
  all: Callers,
  streams: StreamCallers,
  webhooks: Webhooks,
): Promise<void> {
  const { killedIn, killAfterMs, stopAfterMs, callers, streamCallers, subscriber } = round;
  if (killedIn === 'start') {
    await sleep(killAfterMs);
    await service.kill();
    return;
  }
  const url = await service.url;
  if (killedIn !== 'recovery') await webhooks.subscriptions.begin(askAt(url), subscriber);
  const killed = new AbortController();
  const subscribed = webhooks.subscriptions.drive(askAt(url), subscriber, killed.signal);
  const { answered, ended } = all.drive(service, url, callers);
  const read = streams.drive(service, url, streamCallers);
  if (killedIn !== 'recovery') await Promise.all([answered, read.begun]);
  if (killedIn === 'stop') {
    await sleep(stopAfterMs);
    void service.stop();
  }
  await sleep(killAfterMs);
  await service.kill();
  killed.abort();
  await Promise.all([ended, read.ended, subscribed]);
}

/** The service can't tell kills in a row from starts that died over the runs: whoever runs it must. */
async function resumeSetAside(url: string): Promise<void> {
  for (;;) {
    const page = await fetch(`${url}/runs?status=set-aside&limit=200`);
    const { runs } = (await page.json()) as { runs: readonly { id: string }[] };
    if (runs.length === 0) return;
    for (const { id } of runs) await (await fetch(`${url}/runs/${id}/resume`, { method: 'POST' })).text();
  }
}

/** What hasn't ended by the end of patience is found in the proof. */
async function untilAllEnded(directory: string, patienceMs: number): Promise<void> {
  using log = new SqliteLog(directory);
  const until = performance.now() + patienceMs;
  while ((await countUnfinished(log)) > 0 && performance.now() < until) await sleep(50);
}

function settings(directory: string, durability: Round['durability']): Record<string, string> {
  return { DATABASE_URL: `sqlite:${databaseIn(directory)}`, JOURNAL_DURABILITY: durability };
}

// So that the service ends with the harness, which it does when the harness exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
try {
  const options = readOptions(process.argv.slice(2));
  if (options) await main(options);
  else process.stdout.write(USAGE);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
