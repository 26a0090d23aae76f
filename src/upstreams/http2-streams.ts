import { subscribe } from 'node:diagnostics_channel';
import type { ClientHttp2Stream } from 'node:http2';

/** Whoever is told over which stream of HTTP/2 its request goes. */
export interface StreamUser {
  stream: ClientHttp2Stream | undefined;
}

let writing: StreamUser | undefined;

/** Called right before a request is written: a stream that is made then is its own. */
export function expectStream(user: StreamUser): void {
  writing = user;
}

/** The request is over; with HTTP/1.1 it had no stream. */
export function expectNoStream(user: StreamUser): void {
  if (writing === user) writing = undefined;
}

// undici doesn't show its streams.
subscribe('http2.client.stream.created', (message) => {
  if (writing) writing.stream = (message as { readonly stream: ClientHttp2Stream }).stream;
  writing = undefined;
});
