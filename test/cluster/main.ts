/** `npm run test:cluster`: disturbs nodes that share a Postgres again and again, and proves that they kept their promises. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reception } from '../webhooks/receivers.ts';
import { lastEventId, Webhooks, type WebhooksProof } from '../webhooks/webhooks.ts';
import { proveAnswers } from '../crash/answers-proof.ts';
import { effectsIn } from '../crash/built-service.ts';
import { Effects } from '../crash/effects.ts';
import { proveLog } from '../crash/log-proof.ts';
import { Random } from '../crash/random.ts';
import { figure, list, say } from '../crash/report.ts';
import { proveStreams, type StreamsProof, type Upheaval } from '../crash/stream-proof.ts';
import { answersIn } from '../crash/told-stream.ts';
import { AnyNode } from './any-node.ts';
import { Callers } from './callers.ts';
import { Cluster } from './cluster.ts';
import { disturb } from './disturb.ts';
import { proveKeys } from './keys-proof.ts';
import { proveViews } from './log-views.ts';
import { readOptions, USAGE, type Options } from './options.ts';
import { DISTURBANCES, nameOf, planRounds, type Disturbance, type Round } from './plan.ts';
import { proveRetries } from './retries.ts';
import { proveRunStreams } from './run-stream.ts';
import { StreamCallers } from './stream-callers.ts';
import { proveTimes } from './times-proof.ts';
import { untilAtRest } from './rest-proof.ts';
import { summary, summaryOfStreams, type Proof } from './summary.ts';
import { proveVersions } from './versions-proof.ts';
import { proveCursors, watchCursors } from './cursor-watch.ts';
import { Watchers } from './watchers.ts';

/** How long an answer may take, and then what a disturbance has left to end. */
const PATIENCE = { answerMs: 40_000, restMs: 60_000 };
/** What is broken on purpose leaves what never ends. */
const PATIENCE_WITH_FAULT = { answerMs: 8_000, restMs: 3_000 };
const KINDS = Object.keys(DISTURBANCES) as [Disturbance, ...Disturbance[]];

async function main(options: Options): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'frontrunner-cluster-'));
  writeFileSync(effectsIn(directory), '');
  const { rounds, callers, seed, only, fault } = options;
  say(
    `Options: --rounds ${String(rounds)} --callers ${String(callers)} --seed ${String(seed)}${only ? ` --only ${only}` : ''}`,
  );
  const webhooks = await Webhooks.start(new Random(seed), async () => ({
    // Nobody knows how far behind a node is.
    known: 0,
    recorded: await cluster.insist(lastEventId),
  }));
  const cluster = await Cluster.start({ directory, env: webhooks.ofRuns.env, fault });
  const { answerMs, restMs } = fault === undefined ? PATIENCE : PATIENCE_WITH_FAULT;
  try {
    const nodes = new AnyNode(cluster, answerMs);
    const all = new Callers(nodes, webhooks.ofRuns);
    const streams = new StreamCallers(nodes);
    const { violations, proof } = await disturbAndProve(
      options,
      cluster,
      all,
      streams,
      webhooks,
      restMs,
      directory,
    );
    if (violations.length > 0) {
      list(violations);
      await cluster.dump(directory);
      webhooks.dump(directory);
      say(
        `${figure(violations.length)} violations; the logs, the tables and what receivers got are kept in ${directory}`,
      );
      process.exitCode = 1;
      return;
    }
    say(summary(rounds, all, proof, cluster.tally));
  } finally {
    await cluster.end();
    await webhooks.close();
    if (process.exitCode !== 1) rmSync(directory, { recursive: true });
  }
}

/** Holds what nodes say and have against the promises, after each disturbance and after all. */
async function disturbAndProve(
  { rounds, callers, seed, only }: Options,
  cluster: Cluster,
  all: Callers,
  streams: StreamCallers,
  webhooks: Webhooks,
  restMs: number,
  directory: string,
): Promise<{ violations: string[]; proof: Proof }> {
  const violations: string[] = [];
  const upheavals: Upheaval[] = [];
  await watchCursors(cluster);
  const watchers = new Watchers(cluster, new Random(seed));
  let deliveries: WebhooksProof;
  let streamed: StreamsProof;
  try {
    for (const [index, round] of planRounds(seed, rounds, callers, only ? [only] : KINDS).entries()) {
      const { found, upheaval } = await play(round, cluster, all, streams, webhooks, restMs);
      upheavals.push(upheaval);
      const name = `Round ${String(index + 1)} of ${String(rounds)}`;
      say(`${name}: ${nameOf(round)}; ${figure(all.told.length)} answers so far`);
      violations.push(...found.map((text) => `${name}: ${text}`));
      // What is wrong now would be wrong in all the others.
      if (found.length > 0) break;
    }
    deliveries = await webhooks.prove(cluster.urls[0] ?? '', cluster, all.told, mayRepeat, restMs);
    violations.push(...deliveries.violations);
    await watchers.catchUp();
    violations.push(...(await proveViews(cluster, watchers.readers)));
    violations.push(
      ...(await proveRunStreams(cluster, all.streams)),
      ...(await proveKeys(cluster)),
      ...(await proveTimes(cluster)),
    );
    const told = [...all.told, ...answersIn(streams.told)];
    for (const url of cluster.urls) violations.push(...(await proveAnswers(url, told)));
    const again = await streams.readAgain(new Random(seed));
    streamed = await proveStreams(cluster, streams.told, again, upheavals);
    violations.push(...streamed.violations, ...streams.surprises);
  } finally {
    await watchers.close();
  }
  if (all.told.length === 0) violations.push('no caller was told anything');
  const proof = await proveLog(cluster, new Effects(effectsIn(directory)));
  const versions = await proveVersions(cluster);
  const retries = await proveRetries(cluster, all.retries.told);
  violations.push(
    ...proof.violations,
    ...versions.violations,
    ...retries.violations,
    ...(await proveCursors(cluster)),
  );
  return {
    violations,
    proof: {
      ...proof,
      newerRuns: versions.runs,
      retries,
      streams: summaryOfStreams(streams.told, streamed),
      deliveries: deliveries.summary,
    },
  };
}

/** A node may deliver again what another one had not settled; that is long settled two rounds later. */
const mayRepeat = (taken: Reception, again: Reception) => again.life - taken.life < 2;

/** @returns what was wrong with it, and between which events of the log nodes may have ended */
async function play(
  round: Round,
  cluster: Cluster,
  all: Callers,
  streams: StreamCallers,
  { receivers, subscriptions }: Webhooks,
  restMs: number,
): Promise<{ found: string[]; upheaval: Upheaval }> {
  receivers.life += 1;
  const ended = new AbortController();
  const subscribed = subscriptions.drive(all.askAny(round.subscriber), round.subscriber, ended.signal);
  const { answered, end } = all.drive(round.callers);
  const endStreams = streams.drive(round.streamCallers);
  await answered;
  await sleep(round.afterMs);
  const from = await cluster.insist(lastEventId);
  await disturb(round, cluster);
  await sleep(round.loadMs);
  await Promise.all([end(), endStreams()]);
  ended.abort();
  await subscribed;
  const violations = await untilAtRest(cluster, restMs);
  for (const node of cluster.nodes)
    violations.push(...node.takeErrors().map((text) => `A node has a fault: ${text}`));
  violations.push(...all.surprises.splice(0), ...all.retries.surprises.splice(0));
  return { found: violations, upheaval: { from, to: await cluster.insist(lastEventId) } };
}

// So that all of it ends with the harness, which it does when the harness exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
try {
  const options = readOptions(process.argv.slice(2));
  if (options) await main(options);
  else process.stdout.write(USAGE);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
