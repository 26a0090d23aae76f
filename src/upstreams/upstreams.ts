import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { Pool, type Dispatcher } from 'undici';
import { MemoryBudget } from '../core/memory-budget.js';
import { Connection } from './connection.js';
import { ExpressionThread } from '../expressions/expression-thread.js';
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
  /** Connections for one request each. */
  private readonly single = new Set<Connection>();
  private closed = false;

  constructor(
    readonly origin: string,
    private readonly lookup: LookupFunction,
    private readonly connecting: Set<Socket>,
    readonly memory: MemoryBudget,
  ) {}

  /** @param anew whether it takes a connection that no other request has used */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, anew = false): void {
    if (this.closed) throw new Error('the service is stopping');
    if (anew) {
      this.openSingle().dispatch({ ...request, reset: true }, handler);
      return;
    }
    this.pool ??= new Pool(this.origin, {
      ...this.options,
      connections: MAX_CONNECTIONS,
      factory: (origin) => Connection.open(origin, this.options),
    });
    this.pool.dispatch(request, handler);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.pool?.destroy();
    await Promise.all([...this.single].map((connection) => connection.destroy()));
  }

  private get options() {
    return {
      connect: createConnector(!this.allowPrivate, this.lookup, this.connecting),
      allowH2: false,
      // Timeouts are the engine's: an attempt that takes too long has its signal aborted.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
  }

  private openSingle(): Connection {
    const connection = Connection.open(new URL(this.origin), this.options);
    this.single.add(connection);
    const forget = () => this.single.delete(connection);
    connection.once('disconnect', forget).once('connectionError', forget);
    return connection;
  }
}

/** The origins that are declared, which are those that may be called, and the connections to them. */
export class Upstreams {
  private readonly upstreams = new Map<string, Upstream>();
  private readonly connecting = new Set<Socket>();
  /** Where the expressions of all sub-tasks are evaluated. */
  readonly expressions: ExpressionThread;

  /**
   * @param lookup resolves names to addresses, the system's way by default
   * @param memory where responses count while they are read
   */
  constructor(
    private readonly lookup: LookupFunction = systemLookup,
    private readonly memory = new MemoryBudget(),
  ) {
    this.expressions = new ExpressionThread(memory);
  }

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

  /** Cuts all connections off, and ends the thread of the expressions. The engine has stopped by then, so nobody waits for them any more. */
  async close(): Promise<void> {
    const closed = Promise.all([...this.upstreams.values()].map((upstream) => upstream.close()));
    for (const socket of this.connecting) socket.destroy();
    await closed;
    await this.expressions.close();
  }
}
