import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers a request that the guards let in. `client` is the caller by the guards. `refusal` is why they don’t let the request in. */
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
  /** Called once the guards are done, before anything is answered; false where a guard has answered. */
  takeOver(): boolean;
}

/** Takes the requests below a path. */
export interface Door {
  enter(exchange: Exchange): Promise<void>;
  /** Answers with an error that came before any guard was asked. */
  refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void;
}
