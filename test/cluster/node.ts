import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuiltService } from '../crash/built-service.ts';
import type { ClusterFaultName } from '../crash/faults.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import type { Version } from './plan.ts';

/** So short that a node is soon taken for dead. */
export const NODE_TIMEOUT_MS = 1_000;
/** How far the clocks of nodes are ahead, one after the other. Receivers refuse what is signed with a time five minutes from theirs. */
const SKEWS_MS = [0, 400_000, -400_000];
/** How long a caller may be kept waiting before it is told that its run goes on. */
const MAX_WAIT = '20s';
/** What a node logs as an error, as it should, while it can't reach Postgres or was taken for dead. */
const JOURNAL_AWAY = 'The journal can’t be written';

interface Surroundings {
  readonly directory: string;
  /** Of the database of all nodes. */
  readonly url: string;
  /** What all nodes are started with besides what is their own. */
  readonly env: Readonly<Record<string, string>>;
  readonly fault: ClusterFaultName | undefined;
}

/** What became of nodes, by what they logged. */
export interface Tally {
  /** How often a node was taken for dead. */
  lost: number;
  /** How many runs nodes took over of others. */
  takenOver: number;
  /** How many runs of the newer task had to wait, since no node was left that knew it. */
  waited: number;
  /** How often a standby took the place of Postgres. */
  failovers: number;
}

/** One of the nodes: a service that is started again when it was ended, and the network between it and Postgres. */
export class Node {
  readonly name: string;
  readonly proxy: TcpProxy;
  readonly #surroundings: Surroundings;
  readonly #tally: Tally;
  readonly #past: BuiltService[] = [];
  readonly #skewMs: number;
  #service: BuiltService | undefined;
  #url: string | undefined;
  #isNewer = false;

  private constructor(name: string, surroundings: Surroundings, proxy: TcpProxy, tally: Tally) {
    this.name = name;
    this.#skewMs = SKEWS_MS[Number(/\d+$/.exec(name)?.[0] ?? 0) % SKEWS_MS.length] ?? 0;
    this.#surroundings = surroundings;
    this.proxy = proxy;
    this.#tally = tally;
  }

  static async open(name: string, surroundings: Surroundings, tally: Tally): Promise<Node> {
    return new Node(name, surroundings, await TcpProxy.start(surroundings.url), tally);
  }

  /** Where it listens; undefined while it doesn't. */
  get url(): string | undefined {
    return this.#url;
  }

  /** The process that it is now: callers of one that was told to end may be cut off. */
  get service(): BuiltService | undefined {
    return this.#service;
  }

  /** Whether it knows the newer task. */
  get isNewer(): boolean {
    return this.#isNewer;
  }

  /** Resolves when it listens. */
  async start({ role, newer }: Version): Promise<void> {
    this.#isNewer = newer;
    const { directory, url, env, fault } = this.#surroundings;
    const service = new BuiltService({
      directory,
      env: {
        ...env,
        DATABASE_URL: this.proxy.url(url),
        ROLE: role,
        NODE_TIMEOUT: `${String(NODE_TIMEOUT_MS)}ms`,
        MAX_WAIT,
        CRASH_CLOCK_SKEW: String(this.#skewMs),
        CRASH_OLDER: String(!newer),
      },
      fault,
      heard: (line) => {
        this.#hear(line);
      },
    });
    if (this.#service) this.#past.push(this.#service);
    this.#service = service;
    this.#url = await service.url;
  }

  async kill(): Promise<void> {
    this.#url = undefined;
    await this.#service?.kill();
  }

  async stop(): Promise<void> {
    this.#url = undefined;
    await this.#service?.stop();
  }

  /** Whether it takes runs; false when it doesn't answer soon. */
  async isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.#url ?? ''}/health/ready`, { signal: AbortSignal.timeout(1_000) });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  /** What was wrong with its processes since it was asked before. */
  takeErrors(): string[] {
    const errors = this.#past.splice(0).flatMap((service) => service.errors);
    errors.push(...(this.#service?.errors.splice(0) ?? []));
    return errors.filter((line) => !line.includes(JOURNAL_AWAY));
  }

  #hear(line: string): void {
    appendFileSync(join(this.#surroundings.directory, `${this.name}.log`), `${line}\n`);
    if (line.includes('This node was taken for dead')) this.#tally.lost += 1;
    const [, runs = '0'] = /Took over (\d+) unfinished runs/.exec(line) ?? [];
    this.#tally.takenOver += Number(runs);
    const [, waiting = '0'] = /"(\d+) unfinished runs of the task crash-newer wait/.exec(line) ?? [];
    this.#tally.waited += Number(waiting);
  }
}
