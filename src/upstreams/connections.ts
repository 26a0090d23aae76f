import type { LookupFunction, Socket } from 'node:net';
import { Pool, ProxyAgent, type Dispatcher } from 'undici';
import { ForbiddenAddress, hostMistake } from './address-guard.js';
import { Connection } from './connection.js';
import { CONNECT_TIMEOUT_MS, createConnector, offering } from './connector.js';
import type { TlsTexts } from './tls-files.js';

/**
 * Most connections to one origin, the default of Envoy. So an upstream that hangs can't take all file descriptors. Further requests wait
 * for a free connection within their timeout.
 */
const MAX_CONNECTIONS = 1024;

/** Settings for opening connections. */
export interface Network {
  /** Whether the origin may have an address that is not on the public internet. */
  readonly allowPrivate: boolean;
  /** The URL of the proxy that they go through. */
  readonly proxy?: string | undefined;
  readonly tls?: TlsTexts | undefined;
  readonly http2?: boolean | undefined;
}

/** The connections to an origin, shared by several sets of origins. */
interface SharedPool {
  readonly dispatcher: Dispatcher;
  /** The sets of origins that use it. */
  readonly users: Set<object>;
  /** Whether it takes no further request. */
  closed: boolean;
}

/** The connections to upstreams. Origins with equal settings share connections, also across a reload. */
export class Connections {
  private readonly pools = new Map<string, SharedPool>();
  /** Pools that close when their last response has ended. */
  private readonly closing = new Set<SharedPool>();
  /** Connections for a single request each. */
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

  /** A connection for a single request. The request closes it. */
  openSingle(origin: string, network: Network): Connection {
    this.requireOpen();
    const connection = Connection.open(new URL(origin), this.optionsOf({ ...network, http2: false }));
    this.single.add(connection);
    const forget = () => this.single.delete(connection);
    connection.once('disconnect', forget).once('connectionError', forget);
    return connection;
  }

  /** Adds a user to the connections to an origin, if there are any. */
  claim(origin: string, network: Network, user: object): void {
    this.pools.get(keyOf(origin, network))?.users.add(user);
  }

  /** Removes a user, and closes the connections that no other user needs. */
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
    if (network.proxy !== undefined) return this.throughProxy(origin, network, network.proxy);
    const options = this.optionsOf(network);
    const factory = (to: URL) => Connection.open(to, options);
    return new Pool(origin, { ...options, connections: MAX_CONNECTIONS, factory });
  }

  private optionsOf({ allowPrivate, tls, http2 = false }: Network) {
    const { lookup, connecting } = this;
    const connect = createConnector({ guarded: !allowPrivate, lookup, tls, http2 }, connecting);
    return { ...TERMS, connect, allowH2: http2 };
  }

  /**
   * Connects through a proxy. The proxy resolves the names of origins, so their addresses can't be checked here. The proxy's own address
   * may be any.
   *
   * @throws {ForbiddenAddress} for a name that is known to be private without a lookup
   */
  private throughProxy(
    origin: string,
    { allowPrivate, tls, http2 = false }: Network,
    proxy: string,
  ): Dispatcher {
    const { hostname, protocol } = new URL(origin);
    const host = hostname.replace(/^\[|\]$/g, '');
    if (!allowPrivate && hostMistake(host) !== undefined) throw new ForbiddenAddress(host, [host]);
    const toProxy = createConnector({ guarded: false, lookup: this.lookup }, this.connecting);
    const terms = { ...TERMS, connections: MAX_CONNECTIONS };
    const agent = new ProxyAgent({
      uri: proxy,
      allowH2: http2,
      requestTls: { ...tls, ...offering(http2), timeout: CONNECT_TIMEOUT_MS },
      clientFactory: (to) =>
        new Pool(to, { connect: toProxy, allowH2: false, headersTimeout: CONNECT_TIMEOUT_MS }),
      factory: (to, options: Pool.Options) =>
        protocol === 'http:'
          ? new Pool(to, { ...terms, connect: toProxy, allowH2: false })
          : new Pool(to, { ...options, ...terms, allowH2: http2 }),
    });
    return agent.compose((dispatch) => (request, handler) => dispatch({ ...request, origin }, handler));
  }
}

/** undici's timeouts are off: the engine aborts the signal of an attempt that takes too long. */
const TERMS = { headersTimeout: 0, bodyTimeout: 0 };

function keyOf(origin: string, network: Network): string {
  return JSON.stringify([origin, network]);
}
