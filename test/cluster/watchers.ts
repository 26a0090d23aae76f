import { count } from '../crash/log-proof.ts';
import type { Random } from '../crash/random.ts';
import type { Cluster } from './cluster.ts';
import { LogReader } from './log-reader.ts';

/** While the reader that goes from node to node stays at one. */
const STAY_MS = 200;
const CATCH_UP_MS = 10_000;

/** Readers of the log from its beginning to its end: one that stays at each node, and one that goes from node to node. */
export class Watchers {
  readonly readers: readonly LogReader[];
  readonly #cluster: Cluster;
  readonly #hops: NodeJS.Timeout;

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    const roaming = new LogReader('The roaming reader', () => {
      const [first, ...rest] = cluster.urls;
      return first === undefined ? undefined : random.pick([first, ...rest]);
    });
    this.readers = [
      ...cluster.nodes.map(
        (node, index) => new LogReader(`The reader of node ${String(index)}`, () => node.url),
      ),
      roaming,
    ];
    this.#hops = setInterval(() => {
      roaming.hop();
    }, STAY_MS);
  }

  /** Waits until they have all that there is; who doesn't soon is found by its digests. */
  async catchUp(): Promise<void> {
    const last = await count(this.#cluster, 'SELECT last_id AS count FROM log_head');
    const haveAll = () => Promise.resolve(this.readers.every(({ digests }) => digests.length >= last));
    await this.#cluster.until(haveAll, CATCH_UP_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#hops);
    await Promise.all(this.readers.map((reader) => reader.close()));
  }
}
