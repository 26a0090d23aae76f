import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../crash/log-proof.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';
import type { Disturbance, Round } from './plan.ts';

/** At most so long callers may take to start a run of the newer task, and the others to see that nobody knows it any more. */
const SEEN_MS = 15_000;
/** What a halted node has sent is committed by then. */
const COMMITTED_MS = 30;
const OPEN = "SELECT count(*) AS count FROM open_runs WHERE task = 'crash-newer'";

type Disturb = (round: Round, node: Node, cluster: Cluster) => Promise<void>;

const disturbances: Readonly<Record<Disturbance, Disturb>> = {
  async kill(round, node) {
    await node.kill();
    await sleep(round.forMs);
    await node.start(round);
  },
  async versions({ forMs }, _node, cluster) {
    const newer = cluster.nodes.filter(({ isNewer }) => isNewer);
    const before = cluster.tally.waited;
    await haltAmidRuns(newer, cluster);
    await Promise.all(newer.map((node) => node.kill()));
    await sleep(forMs);
    if (newer.length < cluster.nodes.length) await untilSeen(cluster, before);
    await Promise.all(newer.map((node) => node.start({ role: 'all', newer: true })));
  },
  async stop(round, node) {
    await node.stop();
    await sleep(round.forMs);
    await node.start(round);
  },
  async halt({ forMs }, { service }) {
    service?.halt();
    await sleep(forMs);
    service?.goOn();
  },
  async failover({ forMs }, _node, cluster) {
    await cluster.failOver(forMs);
  },
  async restart({ forMs, byKill }, _node, { postgres }) {
    if (byKill) {
      await postgres.kill();
      await sleep(forMs);
      await postgres.start();
    } else await postgres.restart();
  },
  async cut({ forMs }, { proxy }) {
    await proxy.cut();
    await sleep(forMs);
    await proxy.heal();
  },
  async blackhole({ forMs }, { proxy }) {
    proxy.blackhole();
    await sleep(forMs);
    await proxy.heal();
  },
  async delay({ forMs, delayMs }, { proxy }) {
    proxy.delay(delayMs);
    await sleep(forMs);
    await proxy.heal();
  },
};

/** Halts nodes at a moment when runs of the newer task are under way: their kill would leave nothing otherwise. */
async function haltAmidRuns(newer: readonly Node[], cluster: Cluster): Promise<void> {
  const until = performance.now() + SEEN_MS;
  for (;;) {
    for (const { service } of newer) service?.halt();
    await sleep(COMMITTED_MS);
    if ((await count(cluster, OPEN)) > 0 || performance.now() > until) return;
    for (const { service } of newer) service?.goOn();
    await sleep(50);
  }
}

/** Waits until the others have seen that runs wait for a node that knows their task: a busy machine takes longer. */
async function untilSeen(cluster: Cluster, before: number): Promise<void> {
  const until = performance.now() + SEEN_MS;
  while (cluster.tally.waited === before && performance.now() < until && (await count(cluster, OPEN)) > 0)
    await sleep(50);
}

/** Resolves when the disturbance of a round is over. */
export async function disturb(round: Round, cluster: Cluster): Promise<void> {
  const node = cluster.nodes[round.node];
  if (node) await disturbances[round.disturbance](round, node, cluster);
}
