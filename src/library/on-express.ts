import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Door } from './exchange.js';

/** The part of Nest's Express adapter that is used here. */
interface Express {
  use(path: string, handler: (request: Request, response: ServerResponse, next: () => void) => void): void;
}
type Request = IncomingMessage & { body?: unknown; finished?: boolean };

/**
 * Makes body parsers skip the requests below a path.
 *
 * @returns a function that makes the door take these requests from then on
 */
export function mountOnExpress(express: Express, base: string, door: Door): () => void {
  express.use(base, (request, _response, next) => {
    // body-parser takes this as a sign that the body was read.
    request.finished = true;
    next();
  });
  return () => {
    express.use(base, (request, response) => {
      delete request.finished;
      delete request.body;
      const takeOver = (): boolean => !response.headersSent;
      void door.enter({ request, response, seenRequest: request, seenResponse: response, takeOver });
    });
  };
}
