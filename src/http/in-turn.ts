import type { RequestHandler } from 'express';

/** Combines handlers into one: Express's work between two handlers costs more than most handlers. */
export function inTurn(...handlers: readonly RequestHandler[]): RequestHandler {
  return (request, response, next) => {
    let at = 0;
    const goOn = (reason?: unknown): void => {
      const handler = reason === undefined ? handlers[at++] : undefined;
      if (!handler) {
        next(reason);
        return;
      }
      const returned: unknown = handler(request, response, goOn);
      if (returned instanceof Promise) returned.catch(next);
    };
    goOn();
  };
}
