import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Answers a request.
 *
 * @param refusal why the guards refuse the request; undefined when they let it in
 * @param client the caller, as the guards know it; undefined when all callers are one
 */
export type Handle = (
  request: IncomingMessage,
  response: ServerResponse,
  refusal: unknown,
  client: string | undefined,
) => void;

/** A request and its response, raw and as the adapter of the host shows them to guards. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly seenRequest: unknown;
  readonly seenResponse: unknown;
  /** Called after the guards, before an answer is written. Returns false when a guard has answered already. */
  takeOver(): boolean;
}

/** Takes the requests below a path. */
export interface Door {
  enter(exchange: Exchange): Promise<void>;
  /** Answers with an error that came before any guard was asked. */
  refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void;
}
