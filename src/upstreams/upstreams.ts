import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { Pool, type Dispatcher } from 'undici';
import { MemoryBudget } from '../core/memory-budget.js';
import { createConnector } from './connector.js';

/**
 * Most connections to one origin, as many as Envoy opens by default: an upstream that hangs then can't take all file
 * descriptors. Requests past it wait for a free one within their timeout.
 */
const MAX_CONNECTIONS = 1024;

/** An origin that sub-tasks call, and the connections to it. */
export class Upstream {
  /** Whether it may have an address that is not on the public internet: one declaration with `allowPrivate` is enough. */
  allowPrivate = false;
  private pool: Pool | undefined;
  private closed = false;

  constructor(
    readonly origin: string,
    private readonly lookup: LookupFunction,
    private readonly connecting: Set<Socket>,
    readonly memory: MemoryBudget,
  ) {}

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    if (this.closed) throw new Error('the service is stopping');
    this.pool ??= new Pool(this.origin, {
      connections: MAX_CONNECTIONS,
      connect: createConnector(!this.allowPrivate, this.lookup, this.connecting),
      allowH2: false,
      // Timeouts are the engine's: an attempt that takes too long has its signal aborted.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.pool.dispatch(request, handler);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.pool?.destroy();
  }
}

/** The origins that are declared, which are those that may be called, and the connections to them. */
export class Upstreams {
  private readonly upstreams = new Map<string, Upstream>();
  private readonly connecting = new Set<Socket>();

  /**
   * @param lookup resolves names to addresses, the system's way by default
   * @param memory where responses count while they are read
   */
  constructor(
    private readonly lookup: LookupFunction = systemLookup,
    private readonly memory = new MemoryBudget(),
  ) {}

  /** Makes an origin one that may be called. All are declared before the first is. */
  declare(origin: string, allowPrivate: boolean): Upstream {
    let upstream = this.upstreams.get(origin);
    if (!upstream) {
      upstream = new Upstream(origin, this.lookup, this.connecting, this.memory);
      this.upstreams.set(origin, upstream);
    }
    if (allowPrivate) upstream.allowPrivate = true;
    return upstream;
  }

  /** Cuts all connections off. The engine has stopped by then, so nobody waits for them any more. */
  async close(): Promise<void> {
    const closed = Promise.all([...this.upstreams.values()].map((upstream) => upstream.close()));
    for (const socket of this.connecting) socket.destroy();
    await closed;
  }
}
