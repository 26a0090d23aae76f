import type { Server } from 'node:http';
import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';

type Operations = Record<string, { readonly responses: object }>;

/** The document as it is in the repository, which a test of its own holds against what the service serves. */
const FILE = new URL('../../openapi.json', import.meta.url);
export const DOCUMENT = JSON.parse(readFileSync(FILE, 'utf8')) as OpenAPIObject;
const DOCUMENTED = Object.entries(DOCUMENT.paths).map(([template, operations]) => ({
  template,
  pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  operations: operations as Operations,
}));

/** Watches what a server answers, and finds the statuses that the OpenAPI document doesn't name. */
export class DocumentedStatuses {
  /** As `GET /tasks/{name} 404`. */
  readonly missing = new Set<string>();

  /** @param base what all paths begin with */
  constructor(server: Server, base: string) {
    server.prependListener('request', ({ method = '', url = '/' }, response) => {
      response.once('finish', () => {
        this.check(method, url.slice(base.length), response.statusCode);
      });
    });
  }

  private check(method: string, url: string, status: number): void {
    const pathname = url.split('?', 1)[0] ?? '/';
    const path = DOCUMENTED.find(({ pattern }) => pattern.test(pathname));
    const operation = path?.operations[method === 'HEAD' ? 'get' : method.toLowerCase()];
    if (!path || !operation || String(status) in operation.responses) return;
    this.missing.add(`${method} ${path.template} ${status}`);
  }
}
