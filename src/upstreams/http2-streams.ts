import { subscribe } from 'node:diagnostics_channel';
import type { ClientHttp2Stream } from 'node:http2';

/** A request that is told which HTTP/2 stream it uses. */
export interface StreamUser {
  stream: ClientHttp2Stream | undefined;
}

let writing: StreamUser | undefined;

/** To be called right before a request is written: a stream that is created then belongs to this request. */
export function expectStream(user: StreamUser): void {
  writing = user;
}

/** To be called when the request has ended. With HTTP/1.1 it had no stream. */
export function expectNoStream(user: StreamUser): void {
  if (writing === user) writing = undefined;
}

// undici reports its streams only through this channel.
subscribe('http2.client.stream.created', (message) => {
  if (writing) writing.stream = (message as { readonly stream: ClientHttp2Stream }).stream;
  writing = undefined;
});
