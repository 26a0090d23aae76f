import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createSecureServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TlsOptions } from 'node:tls';
import { createGzip, gzipSync } from 'node:zlib';
import { CERTIFICATE, CERTIFICATE_KEY } from './certificate.js';

export interface ReceivedRequest {
  readonly method: string;
  /** As it stood in the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Protocol = 'http' | 'https' | 'h2';

/** An upstream on loopback that does as it is told, and knows what became of its connections. */
export class UpstreamServer {
  readonly requests: ReceivedRequest[] = [];
  /** How many connections were made in all. */
  connections = 0;
  /** How much came over those that are closed. */
  bytesReceived = 0;
  private readonly open = new Set<Socket>();
  private readonly changed = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    private readonly scheme = 'http',
  ) {
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.open.add(socket);
      this.change();
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.open.delete(socket);
        this.bytesReceived += socket.bytesRead;
        this.change();
      });
    });
  }

  /** @param protocol h2 speaks HTTP/1.1 too */
  static async start(
    answer: RequestListener,
    protocol: Protocol = 'http',
    tls: TlsOptions = {},
  ): Promise<UpstreamServer> {
    const options = { keepAliveTimeout: 60_000, cert: CERTIFICATE, key: CERTIFICATE_KEY, ...tls };
    const server = {
      http: () => createHttpServer(options),
      https: () => createHttpsServer(options),
      h2: () => createHttp2Server({ ...options, allowHTTP1: true }) as unknown as HttpsServer,
    }[protocol]();
    const upstream = new UpstreamServer(server, protocol === 'http' ? 'http' : 'https');
    server.on('request', (request: IncomingMessage, response: ServerResponse & { req: IncomingMessage }) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        upstream.requests.push({
          method,
          target: url,
          headers,
          body: Buffer.concat(chunks).toString(),
        });
        upstream.change();
        answer(request, response);
      });
    });
    return upstream.listen();
  }

  /** One that needn't speak HTTP. */
  static async raw(take: (socket: Socket) => void): Promise<UpstreamServer> {
    return new UpstreamServer(createServer(take)).listen();
  }

  get origin(): string {
    return `${this.scheme}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get openConnections(): number {
    return this.open.size;
  }

  /** Resolves as soon as `holds` does; it is asked whenever a connection or a request comes or goes. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        this.changed.delete(check);
        resolve();
      };
      this.changed.add(check);
      check();
    });
  }

  /** Resolves as soon as nobody is connected. */
  deserted(): Promise<void> {
    return this.until(() => this.open.size === 0);
  }

  /** Closes the connections that are idle now, as servers do after a while. */
  dropConnections(): void {
    for (const socket of this.open) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async listen(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  private change(): void {
    for (const check of this.changed) check();
  }
}

/** Answers JSON. */
export function json(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Answers bytes as they are. */
export function bytes(
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): RequestListener {
  return (_request, response) => {
    response.writeHead(status, headers).end(body);
  };
}

/** What real upstreams do on a bad day. */
export const misbehaviours = {
  /** Takes the request, and says nothing. */
  slowHeaders: (() => undefined) satisfies RequestListener,

  /** Sends a byte at a time, as fast as it can, and never ends. */
  dripFed: ((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    void (async () => {
      while (!response.destroyed) {
        response.write('x');
        await nextTurn();
      }
    })();
  }) satisfies RequestListener,

  /** Sends its status and a little of its body, and goes to sleep. */
  stuckBody:
    (status = 200): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { 'content-type': 'text/plain' }).write('the beginning');
    },

  resetBeforeHeaders: ((request) => {
    request.socket.resetAndDestroy();
  }) satisfies RequestListener,

  resetInHeaders: (({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-ty', () => socket.resetAndDestroy());
  }) satisfies RequestListener,

  resetInBody: (({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"half":', () => socket.resetAndDestroy());
  }) satisfies RequestListener,

  /** Promises more than it sends. */
  longContentLength: (({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{}');
  }) satisfies RequestListener,

  /** Sends more than it promises. */
  shortContentLength: (({ socket }) => {
    socket.write(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{"whole":"object"}',
    );
  }) satisfies RequestListener,

  /** Zeros without end; a thousand times as many as go over the wire. */
  endlessGzipBomb: ((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' });
    const gzip = createGzip();
    gzip.pipe(response);
    response.on('close', () => gzip.destroy());
    const zeros = Buffer.alloc(2 ** 20);
    const feed = (): void => {
      if (!gzip.destroyed) gzip.write(zeros, feed);
    };
    feed();
  }) satisfies RequestListener,

  gzipBomb: (megabytes: number): RequestListener =>
    bytes(gzipSync(Buffer.alloc(megabytes * 2 ** 20)), {
      'content-encoding': 'gzip',
      'content-type': 'text/plain',
    }),

  endlessBody: ((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    const chunk = Buffer.alloc(65_536, 'x');
    const feed = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', feed);
    feed();
  }) satisfies RequestListener,

  redirect:
    (to: string, status = 302): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { location: to }).end('moved');
    },

  notNow: (retryAfter: string, status = 429): RequestListener =>
    json({ error: 'not now' }, status, { 'retry-after': retryAfter }),

  /** No HTTP at all. */
  garbage: ((socket) => {
    socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\nhello\r\n'));
  }) satisfies (socket: Socket) => void,

  /** A connection is taken, and that is all. */
  halfOpen: ((socket) => {
    socket.resume();
  }) satisfies (socket: Socket) => void,
};
