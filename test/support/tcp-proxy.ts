import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A network on loopback between a server and its clients, which fails as it is told. */
export class TcpProxy {
  #target: URL;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #port = 0;
  #isBlackHole = false;
  #delayMs = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#take(client));
  }

  /** Puts one in front of the host and port of a postgres: URL. @param port where it listens; 0 lets the system choose */
  static async start(target: string, port = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#port = port;
    await proxy.#listen();
    return proxy;
  }

  /** The same URL by way of it. */
  url(of: string): string {
    const url = new URL(of);
    url.host = `127.0.0.1:${this.#port}`;
    return url.href;
  }

  /** Leads new connections to another server. */
  redirect(target: string): void {
    this.#target = new URL(target);
  }

  /** Drops all connections and refuses new ones. */
  async cut(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    for (const connection of this.#connections) connection.drop();
    await once(this.#server, 'close');
  }

  /** Keeps connections and takes new ones, but passes nothing on, so that neither side learns what became of the other. */
  blackhole(): void {
    this.#isBlackHole = true;
    for (const connection of this.#connections) connection.lose();
  }

  /** Passes on what comes from now on so much later, in each direction. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Ends all trouble. Connections that were in a black hole are dropped, as they would be sooner or later. */
  async heal(): Promise<void> {
    this.#isBlackHole = false;
    this.#delayMs = 0;
    for (const connection of this.#connections) if (connection.lost) connection.drop();
    if (!this.#server.listening) await this.#listen();
  }

  async close(): Promise<void> {
    await this.cut();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #take(client: Socket): void {
    const connection = new Connection(
      () => this.#delayMs,
      () => this.#connections.delete(connection),
    );
    this.#connections.add(connection);
    connection.add(client);
    if (this.#isBlackHole) {
      connection.lose();
      return;
    }
    const { hostname, port } = this.#target;
    const server = connect({ host: hostname, port: Number(port || 5432), allowHalfOpen: true });
    connection.add(server);
    connection.forward(client, server);
    connection.forward(server, client);
  }
}

/** That of a client and that to the server, as one. */
class Connection {
  readonly #sockets = new Set<Socket>();
  readonly #dropped = new AbortController();
  readonly #delayMs: () => number;
  readonly #onClosed: () => void;
  #lost = false;

  constructor(delayMs: () => number, onClosed: () => void) {
    this.#delayMs = delayMs;
    this.#onClosed = onClosed;
  }

  get lost(): boolean {
    return this.#lost;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onClosed();
    });
  }

  /** Passes on what comes, in its order even when the delay changes. */
  forward(from: Socket, to: Socket): void {
    let last: Promise<unknown> = Promise.resolve();
    const pass = (act: () => void): void => {
      const ms = this.#delayMs();
      const delay = ms > 0 ? sleep(ms, undefined, { signal: this.#dropped.signal }) : undefined;
      last = Promise.all([last, delay]).then(
        () => {
          if (!this.#lost) act();
        },
        () => undefined,
      );
    };
    from.on('data', (chunk) => pass(() => to.write(chunk)));
    from.on('end', () => pass(() => to.end()));
    from.on('error', () => pass(() => to.destroy()));
  }

  lose(): void {
    this.#lost = true;
  }

  drop(): void {
    this.#dropped.abort();
    for (const socket of this.#sockets) socket.destroy();
  }
}
