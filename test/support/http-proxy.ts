import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** An HTTP proxy on loopback: forwards what is sent to it in plain, and makes tunnels. All names lead to loopback. */
export class HttpProxy {
  /** As `GET http://host/` or `CONNECT host:443`, with what came as Proxy-Authorization. */
  readonly asked: string[] = [];
  /** What it answers instead of doing its work, if anything. */
  refusal: number | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((request, response) => {
    this.forward(request, response);
  });

  static async start(): Promise<HttpProxy> {
    const proxy = new HttpProxy();
    proxy.server.on('connection', (socket) => proxy.keep(socket));
    proxy.server.on('connect', (request, socket: Socket) => {
      proxy.tunnel(request, socket);
    });
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** @param user with its password, as it stands in a URL */
  url(user = ''): string {
    return `http://${user}127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private note({ method, url, headers }: IncomingMessage): void {
    this.asked.push([method, url, headers['proxy-authorization']].filter(Boolean).join(' '));
  }

  private forward(request: IncomingMessage, response: ServerResponse): void {
    this.note(request);
    if (this.refusal !== undefined) {
      response.writeHead(this.refusal).end();
      return;
    }
    const { port, pathname, search } = new URL(request.url ?? '');
    const { method, headers } = request;
    const onward = ask({ host: '127.0.0.1', port, path: pathname + search, method, headers, agent: false });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  }

  private tunnel(request: IncomingMessage, socket: Socket): void {
    this.note(request);
    if (this.refusal !== undefined) {
      socket.end(`HTTP/1.1 ${this.refusal} No\r\n\r\n`);
      return;
    }
    const onward = this.keep(connect(Number(request.url?.split(':').at(-1)), '127.0.0.1'));
    onward.on('connect', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }

  private keep(socket: Socket): Socket {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    return socket;
  }
}
