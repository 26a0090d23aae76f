import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { Measures } from '../core/measures.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { ExpressionThread } from '../expressions/expression-thread.js';
import { Connections, type Network } from './connections.js';
import { environmentProxy, NO_PROXIES, type Proxies } from './proxies.js';

/** The settings of an origin in a tasks file. */
export interface OriginSettings extends Omit<Network, 'allowPrivate' | 'proxy'> {
  /** The URL of a proxy; null for none; undefined for the proxy from the environment. */
  readonly proxy?: string | null | undefined;
}

/** An origin that sub-tasks call. */
export class Upstream {
  /** Whether its address may be outside of the public internet: one declaration with `allowPrivate` is enough. */
  allowPrivate = false;
  private pool: ReturnType<Connections['open']> | undefined;

  /** @param user the user for which its connections are kept: see {@link Connections.release} */
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

  /** @param anew whether to use a connection that no other request has used */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, anew = false): void {
    const { connections } = this.upstreams;
    if (anew) {
      connections.openSingle(this.origin, this.network).dispatch({ ...request, reset: true }, handler);
      return;
    }
    // The pool is closed if a reload came between the start of a run and its first request.
    if (this.pool === undefined || this.pool.closed)
      this.pool = connections.open(this.origin, this.network, this.user);
    this.pool.dispatcher.dispatch(request, handler);
  }

  /** Closes its connections, unless others use them. For a declared origin, {@link Upstreams.release} does this. */
  release(): void {
    this.upstreams.connections.release(this.user);
  }
}

/** A set of declared origins. Only these may be called. */
export class Upstreams {
  private readonly upstreams = new Map<string, Upstream>();
  private readonly settings = new Map<string, OriginSettings>();

  /**
   * @param lookup resolves names to addresses. Default: the system's way
   * @param memory the budget that counts responses while they are read
   * @param proxies the proxies for origins whose settings don't name one. Default: none
   * @param expressions evaluates the expressions of all sub-tasks
   * @param measures gets the durations of requests
   */
  constructor(
    lookup: LookupFunction = systemLookup,
    readonly memory = new MemoryBudget(),
    private readonly proxies: Proxies = NO_PROXIES,
    readonly connections = new Connections(lookup),
    readonly expressions = new ExpressionThread(memory),
    readonly measures = new Measures(),
  ) {}

  /** Declares an origin, so that it may be called. All origins are declared before the first call. */
  declare(origin: string, allowPrivate: boolean): Upstream {
    let upstream = this.upstreams.get(origin);
    if (!upstream) {
      upstream = new Upstream(origin, this);
      this.upstreams.set(origin, upstream);
    }
    if (allowPrivate) upstream.allowPrivate = true;
    return upstream;
  }

  /** An origin outside of the declared ones. The caller must release it. */
  undeclared(origin: string, allowPrivate: boolean): Upstream {
    const upstream = new Upstream(origin, this, {});
    upstream.allowPrivate = allowPrivate;
    return upstream;
  }

  /** Sets how an origin is reached. To be called before the origin is called. */
  configure(origin: string, settings: OriginSettings): void {
    this.settings.set(origin, settings);
  }

  networkOf(origin: string, allowPrivate: boolean): Network {
    const { proxy = environmentProxy(origin, this.proxies), ...others } = this.settings.get(origin) ?? {};
    return { allowPrivate, ...others, proxy: proxy ?? undefined };
  }

  /** A new, empty set of origins that shares the connections and the expressions' thread of this one. */
  anew(): Upstreams {
    const { memory, proxies, connections, expressions, measures } = this;
    return new Upstreams(undefined, memory, proxies, connections, expressions, measures);
  }

  /** Keeps the connections that its origins can use further, even if other sets release them. */
  claim(): void {
    for (const { origin, network } of this.upstreams.values()) this.connections.claim(origin, network, this);
  }

  /** Closes the connections that no other set of origins uses. */
  release(): void {
    this.connections.release(this);
  }

  /**
   * Cuts off all connections, and ends the expressions' thread, for all sets that share them. The engine has stopped by then, so nothing
   * waits for them.
   */
  async close(): Promise<void> {
    await this.connections.close();
    await this.expressions.close();
  }
}
