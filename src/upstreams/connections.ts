import type { LookupFunction, Socket } from 'node:net';
import { Pool, type Dispatcher } from 'undici';
import { Connection } from './connection.js';
import { createConnector } from './connector.js';

/**
 * Most connections to one origin, as many as Envoy opens by default: an upstream that hangs then can't take all file
 * descriptors. Requests past it wait for a free one within their timeout.
 */
const MAX_CONNECTIONS = 1024;

/** What connections are opened with. */
export interface Network {
  /** Whether the origin may have an address that is not on the public internet. */
  readonly allowPrivate: boolean;
}

/** The connections to an origin. */
interface SharedPool {
  readonly dispatcher: Dispatcher;
  /** The sets of origins that use it. */
  readonly users: Set<object>;
  /** It takes no request more. */
  closed: boolean;
}

/** The connections to upstreams. Origins that are reached in the same way share them, also from before a reload to after it. */
export class Connections {
  private readonly pools = new Map<string, SharedPool>();
  /** Those that close as soon as their last response is there. */
  private readonly closing = new Set<SharedPool>();
  /** Those for one request each. */
  private readonly single = new Set<Connection>();
  private readonly connecting = new Set<Socket>();
  private closed = false;

  constructor(private readonly lookup: LookupFunction) {}

  /** The connections to an origin. @param user see {@link release} */
  open(origin: string, network: Network, user: object): Readonly<SharedPool> {
    this.requireOpen();
    const key = keyOf(origin, network);
    let shared = this.pools.get(key);
    if (!shared) {
      shared = { dispatcher: this.dispatcherOf(origin, network), users: new Set(), closed: false };
      this.pools.set(key, shared);
    }
    shared.users.add(user);
    return shared;
  }

  /** A connection for one request, which closes it. */
  openSingle(origin: string, network: Network): Connection {
    this.requireOpen();
    const connection = Connection.open(new URL(origin), this.optionsOf(network));
    this.single.add(connection);
    const forget = () => this.single.delete(connection);
    connection.once('disconnect', forget).once('connectionError', forget);
    return connection;
  }

  /** Keeps the connections to an origin, if there are any, for a user more. */
  claim(origin: string, network: Network, user: object): void {
    this.pools.get(keyOf(origin, network))?.users.add(user);
  }

  /** Closes the connections that nobody else uses. */
  release(user: object): void {
    for (const [key, shared] of this.pools) {
      if (!shared.users.delete(user) || shared.users.size > 0) continue;
      this.pools.delete(key);
      this.closing.add(shared);
      shared.closed = true;
      void shared.dispatcher.close().finally(() => this.closing.delete(shared));
    }
  }

  /** Cuts all connections off, for good. */
  async close(): Promise<void> {
    this.closed = true;
    for (const shared of this.pools.values()) shared.closed = true;
    const pools = [...this.closing, ...this.pools.values()].map(({ dispatcher }) => dispatcher);
    const destroyed = Promise.all([...pools, ...this.single].map((dispatcher) => dispatcher.destroy()));
    for (const socket of this.connecting) socket.destroy();
    await destroyed;
  }

  private requireOpen(): void {
    if (this.closed) throw new Error('the service is stopping');
  }

  private dispatcherOf(origin: string, network: Network): Dispatcher {
    const options = this.optionsOf(network);
    const factory = (to: URL) => Connection.open(to, options);
    return new Pool(origin, { ...options, connections: MAX_CONNECTIONS, factory });
  }

  private optionsOf({ allowPrivate }: Network) {
    return {
      connect: createConnector(!allowPrivate, this.lookup, this.connecting),
      allowH2: false,
      // Timeouts are the engine's: an attempt that takes too long has its signal aborted.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
  }
}

function keyOf(origin: string, network: Network): string {
  return JSON.stringify([origin, network]);
}
