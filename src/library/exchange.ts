import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers a request that the guards let in; `client` is who they know it to be from. `refusal` is why they don’t let it in. */
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

/** Where requests below a path come in. */
export interface Door {
  enter(exchange: Exchange): Promise<void>;
  /** Answers with an error that was there before any guard was asked. */
  refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void;
}
