import type { Server } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';

type Operations = Record<string, { readonly responses: object }>;

/** Watches what a server answers, and finds the statuses that its OpenAPI document doesn't name. */
export class DocumentedStatuses {
  /** As `GET /tasks/{name} 404`. */
  readonly missing = new Set<string>();
  private readonly paths: { template: string; pattern: URLPattern; operations: Operations }[];

  constructor(server: Server, { paths }: OpenAPIObject) {
    this.paths = Object.entries(paths).map(([template, operations]) => ({
      template,
      pattern: new URLPattern({ pathname: template.replaceAll(/\{(\w+)\}/g, ':$1') }),
      operations: operations as Operations,
    }));
    server.prependListener('request', ({ method = '', url = '/' }, response) => {
      response.once('finish', () => {
        this.check(method, url, response.statusCode);
      });
    });
  }

  private check(method: string, url: string, status: number): void {
    const pathname = url.split('?', 1)[0] ?? '/';
    const path = this.paths.find(({ pattern }) => pattern.test({ pathname }));
    const operation = path?.operations[method === 'HEAD' ? 'get' : method.toLowerCase()];
    if (!path || !operation || String(status) in operation.responses) return;
    this.missing.add(`${method} ${path.template} ${status}`);
  }
}
