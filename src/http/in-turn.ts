import type { RequestHandler } from 'express';

/** Handlers one after the other, as one: what Express does between two of them costs more than most of them do. */
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
