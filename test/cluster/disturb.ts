import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../crash/log-proof.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';
import type { Disturbance, Round } from './plan.ts';

/** At most so long the others may take to see that nobody knows a task any more. */
const SEEN_MS = 15_000;

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

/** Waits until the others have seen that runs wait for a node that knows their task: a busy machine takes longer. */
async function untilSeen(cluster: Cluster, before: number): Promise<void> {
  const until = performance.now() + SEEN_MS;
  const open = "SELECT count(*) AS count FROM open_runs WHERE task = 'crash-newer'";
  while (cluster.tally.waited === before && performance.now() < until && (await count(cluster, open)) > 0)
    await sleep(50);
}

/** Resolves when the disturbance of a round is over. */
export async function disturb(round: Round, cluster: Cluster): Promise<void> {
  const node = cluster.nodes[round.node];
  if (node) await disturbances[round.disturbance](round, node, cluster);
}
