import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Client, type buildConnector, type Dispatcher } from 'undici';
import { UnaskedContinue } from './unasked-continue.js';

/** A kept-alive connection that the upstream had closed before it got the request. */
export class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'StaleConnection';
  }
}

/** A request that is told which connection it uses. */
export interface ConnectionUser {
  connection: Connection | undefined;
}

type ConnectionOptions = Client.Options & { readonly connect: buildConnector.connector };

/** A connection of a pool. It knows what was received before the request under way began. */
export class Connection extends Client {
  private socket: Socket | undefined;
  /** Whether several requests may be under way (HTTP/2). Received bytes can't be attributed to a request then. */
  private isShared = false;
  /** How many requests went over its socket. */
  private requests = 0;
  private bytesBefore = 0;
  private readonly unaskedContinue = new UnaskedContinue();

  static open(origin: URL, { connect, ...options }: ConnectionOptions): Connection {
    const connection: Connection = new Connection(origin, {
      ...options,
      connect: (target, callback) => {
        connect(target, (...result) => {
          if (result[1]) connection.connected(result[1]);
          callback(...result);
        });
      },
    });
    return connection;
  }

  override dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    (handler as ConnectionUser).connection = this;
    return super.dispatch(request, handler);
  }

  /** Called right before a request is written. */
  begin(): void {
    this.requests += 1;
    this.bytesBefore = this.socket?.bytesRead ?? 0;
    this.unaskedContinue.expect();
  }

  /** The error of a failed request: a {@link StaleConnection} when the socket had answered before, and brought no byte this time. */
  failure(error: Error): Error {
    const isStale =
      !this.isShared &&
      this.requests > 1 &&
      this.socket?.bytesRead === this.bytesBefore &&
      isEndOfConnection(error);
    return isStale ? new StaleConnection(error) : error;
  }

  private connected(socket: Socket): void {
    this.socket = socket;
    this.isShared = (socket as Partial<TLSSocket>).alpnProtocol === 'h2';
    this.requests = 0;
    this.unaskedContinue.watch(socket);
  }
}

function isEndOfConnection(error: Error & { readonly code?: unknown }): boolean {
  const { code, message } = error;
  return (
    code === 'ECONNRESET' || code === 'EPIPE' || (code === 'UND_ERR_SOCKET' && message.endsWith('closed'))
  );
}
