import type { ServerResponse } from 'node:http';
import type { Request } from 'express';
import type { Measures } from '../core/measures.js';
import { isKnownMethod } from './known-method.js';
import type { Operations } from './operations.js';

const BEGAN = Symbol('began');
type Timed = ServerResponse & { [BEGAN]?: number; readonly req: Request };

/** Measures how long requests take, while somebody wants to know. */
export class TimedRequests {
  /** By path of the router, the same path in the form of the OpenAPI document. */
  private readonly routes = new Map<string, string>();

  constructor(
    private readonly measures: Measures,
    private readonly operations: Operations,
  ) {
    // One listener for all responses, which is called with each as `this`.
    const { tell } = this;
    this.ended = function (this: ServerResponse) {
      tell(this as Timed);
    };
  }

  begin(response: ServerResponse): void {
    if (!this.measures.isHeard) return;
    (response as Timed)[BEGAN] = performance.now();
    response.once('close', this.ended);
  }

  private readonly ended: (this: ServerResponse) => void;

  private readonly tell = (response: Timed): void => {
    const { req: request } = response;
    const answered = {
      method: isKnownMethod(request.method) ? request.method : '_OTHER',
      scheme: request.protocol === 'https' ? ('https' as const) : ('http' as const),
      route: this.routeOf(request),
      status: response.headersSent ? response.statusCode : undefined,
      aborted: !response.writableFinished,
      tookMs: performance.now() - (response[BEGAN] ?? 0),
    };
    for (const hearer of this.measures.hearers) hearer.answered(answered);
  };

  /** The route of a request: by the router, or by the document where the request was refused before the router. */
  private routeOf(request: Request): string | undefined {
    const { route } = request as { readonly route?: { readonly path: unknown } };
    if (typeof route?.path !== 'string') return this.operations.routeOf(request);
    let template = this.routes.get(route.path);
    if (template === undefined) {
      template = route.path.replaceAll(/(?<!\\):(\w+)/g, '{$1}').replaceAll('\\', '');
      this.routes.set(route.path, template);
    }
    return template;
  }
}
