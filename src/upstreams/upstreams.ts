import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { Measures } from '../core/measures.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { ExpressionThread } from '../expressions/expression-thread.js';
import { Connections, type Network } from './connections.js';
import { environmentProxy, NO_PROXIES, type Proxies } from './proxies.js';

/** What a tasks file says of an origin. */
export interface OriginSettings extends Omit<Network, 'allowPrivate' | 'proxy'> {
  /** The URL of a proxy; null: none; undefined: what the environment says. */
  readonly proxy?: string | null | undefined;
}

/** An origin that sub-tasks call. */
export class Upstream {
  /** Whether it may have an address that is not on the public internet: one declaration with `allowPrivate` is enough. */
  allowPrivate = false;
  private pool: ReturnType<Connections['open']> | undefined;

  /** @param user whom its connections are kept for: see {@link Connections.release} */
  constructor(
    readonly origin: string,
    private readonly upstreams: Upstreams,
    private readonly user: object = upstreams,
  ) {}

  get memory(): MemoryBudget {
    return this.upstreams.memory;
  }

  get measures(): Measures {
    return this.upstreams.measures;
  }

  get network(): Network {
    return this.upstreams.networkOf(this.origin, this.allowPrivate);
  }

  /** @param anew whether it takes a connection that no other request has used */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, anew = false): void {
    const { connections } = this.upstreams;
    if (anew) {
      connections.openSingle(this.origin, this.network).dispatch({ ...request, reset: true }, handler);
      return;
    }
    // It is closed where a reload came between the start of a run and its first request.
    if (this.pool === undefined || this.pool.closed)
      this.pool = connections.open(this.origin, this.network, this.user);
    this.pool.dispatcher.dispatch(request, handler);
  }

  /** Closes its connections, unless others use them. Of one that is declared, {@link Upstreams.release} does. */
  release(): void {
    this.upstreams.connections.release(this.user);
  }
}

/** The origins that are declared, which are those that may be called. */
export class Upstreams {
  private readonly upstreams = new Map<string, Upstream>();
  private readonly settings = new Map<string, OriginSettings>();

  /**
   * @param lookup resolves names to addresses, the system's way by default
   * @param memory where responses count while they are read
   * @param proxies what origins are called through, unless their settings say otherwise. Default: none
   * @param expressions where the expressions of all sub-tasks are evaluated
   * @param measures who is told how long requests take
   */
  constructor(
    lookup: LookupFunction = systemLookup,
    readonly memory = new MemoryBudget(),
    private readonly proxies: Proxies = NO_PROXIES,
    readonly connections = new Connections(lookup),
    readonly expressions = new ExpressionThread(memory),
    readonly measures = new Measures(),
  ) {}

  /** Makes an origin one that may be called. All are declared before the first is. */
  declare(origin: string, allowPrivate: boolean): Upstream {
    let upstream = this.upstreams.get(origin);
    if (!upstream) {
      upstream = new Upstream(origin, this);
      this.upstreams.set(origin, upstream);
    }
    if (allowPrivate) upstream.allowPrivate = true;
    return upstream;
  }

  /** An origin that no declaration names. Whoever has it releases it. */
  undeclared(origin: string, allowPrivate: boolean): Upstream {
    const upstream = new Upstream(origin, this, {});
    upstream.allowPrivate = allowPrivate;
    return upstream;
  }

  /** Says how an origin is reached, before it is called. */
  configure(origin: string, settings: OriginSettings): void {
    this.settings.set(origin, settings);
  }

  networkOf(origin: string, allowPrivate: boolean): Network {
    const { proxy = environmentProxy(origin, this.proxies), ...others } = this.settings.get(origin) ?? {};
    return { allowPrivate, ...others, proxy: proxy ?? undefined };
  }

  /** A set of origins, none so far, that shares the connections of this one, and the thread of its expressions. */
  anew(): Upstreams {
    const { memory, proxies, connections, expressions, measures } = this;
    return new Upstreams(undefined, memory, proxies, connections, expressions, measures);
  }

  /** Keeps the connections that its origins can go on with, whoever else releases them. */
  claim(): void {
    for (const { origin, network } of this.upstreams.values()) this.connections.claim(origin, network, this);
  }

  /** Closes the connections that no other set of origins uses. */
  release(): void {
    this.connections.release(this);
  }

  /**
   * Cuts all connections off, and ends the thread of the expressions, for all sets that share them. The engine has stopped by then, so
   * nobody waits for them any more.
   */
  async close(): Promise<void> {
    await this.connections.close();
    await this.expressions.close();
  }
}
