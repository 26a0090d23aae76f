import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What OpenTelemetry exports to over HTTP. */
export class Collector {
  /** The paths and bodies of its requests, in their order. Texts stand in a body as they are, for it is protobuf. */
  readonly requests: { readonly path: string; readonly body: string }[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly server: Server) {}

  /** @param answers whether it answers. One that doesn’t keeps its callers waiting */
  static async start({ answers }: { readonly answers: boolean }): Promise<Collector> {
    const server = createServer();
    const collector = new Collector(server);
    server.on('request', (request, response) => {
      void buffer(request).then((body) => {
        collector.requests.push({ path: request.url!, body: body.toString('latin1') });
        for (const check of [...collector.waiting]) check();
        if (answers) response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves when it has had a request. */
  asked(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.requests.length > 0) resolve();
      };
      this.waiting.add(check);
      check();
    });
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}
