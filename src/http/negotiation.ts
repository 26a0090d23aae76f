import { NotAcceptableException } from '@nestjs/common';
import type { Request, RequestHandler } from 'express';
import { pathOf, type Operations } from './operations.js';

/** Whether the caller prefers an event stream. The default is JSON. */
export function prefersStream(request: Request): boolean {
  const { accept = '*/*' } = request.headers;
  // The most frequent values need no parsing.
  if (accept === '*/*' || accept === 'application/json') return false;
  return request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
}

/** Whether the caller prefers a page, as browsers do that open an address. The default is JSON. */
export function prefersPage(request: Request): boolean {
  return (
    /^(GET|HEAD)$/.test(request.method) && request.accepts(['application/json', 'text/html']) === 'text/html'
  );
}

/** Answers `OPTIONS` with the methods of a path, or for `*` with those of the whole service. */
export function answerOptions(operations: Operations): RequestHandler {
  return (request, response, next) => {
    if (request.method !== 'OPTIONS') {
      next();
      return;
    }
    const path = pathOf(request);
    const methods = path === '*' ? operations.methods : operations.methodsOf(path);
    if (methods.length === 0) next();
    else response.status(204).setHeader('Allow', methods.join(', ')).end();
  };
}

/** Refuses requests whose `Accept` allows none of the media types of the answer. This happens before a run is started. */
export function requireAcceptable(operations: Operations): RequestHandler {
  return (request, _response, next) => {
    const { accept } = request.headers;
    if (accept && accept !== '*/*') {
      const produces = operations.find(request)?.produces ?? [];
      const acceptable =
        produces.length === 0 ||
        produces.includes(accept) ||
        request.accepts(produces.flatMap((type) => [type, `${type};charset=utf-8`])) !== false;
      if (!acceptable) {
        throw new NotAcceptableException(
          `${pathOf(request)} answers with ${produces.join(' or ')}, which the Accept header ${accept} does not allow`,
        );
      }
    }
    next();
  };
}
