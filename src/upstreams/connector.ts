import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { TlsTexts } from './tls-files.js';
import { isPublic } from '../core/public-address.js';
import { ForbiddenAddress, publicLookup } from './address-guard.js';

/** Longest time to open a connection, in milliseconds. A shorter timeout of a sub-task ends the wait earlier. */
export const CONNECT_TIMEOUT_MS = 10_000;

interface ConnectorOptions {
  /** Whether to connect only to public addresses. */
  readonly guarded: boolean;
  readonly lookup: LookupFunction;
  readonly tls?: TlsTexts | undefined;
  readonly http2?: boolean | undefined;
}

/**
 * Opens the connections of one origin, only to public addresses if `guarded`. A literal address is checked before the connection, a name
 * by its resolved addresses, and the socket's actual address before the first byte is sent.
 *
 * @param connecting holds sockets until they are connected, so that a stop can close them
 */
export function createConnector(
  { guarded, lookup, tls, http2 = false }: ConnectorOptions,
  connecting: Set<Socket>,
): buildConnector.connector {
  // The function returns the socket, which undici's types leave out. If it didn't, this would fail instead of connecting unchecked.
  const connect = buildConnector({
    ...tls,
    ...offering(http2),
    timeout: CONNECT_TIMEOUT_MS,
    lookup: guarded ? publicLookup(lookup) : lookup,
  }) as unknown as (...connection: Parameters<buildConnector.connector>) => Socket;

  return (options, callback) => {
    const { hostname } = options;
    if (guarded && isIP(hostname) && !isPublic(hostname)) {
      callback(new ForbiddenAddress(hostname, [hostname]), null);
      return;
    }
    const socket = connect(options, (...result) => {
      connecting.delete(socket);
      callback(...result);
    });
    connecting.add(socket);
    socket.once('close', () => {
      connecting.delete(socket);
    });
    // This must come before undici's own listener, and before TLS begins.
    socket.prependOnceListener('connect', () => {
      const { remoteAddress = '' } = socket;
      if (guarded && !isPublic(remoteAddress))
        socket.destroy(new ForbiddenAddress(hostname, [remoteAddress]));
    });
  };
}

/**
 * The protocols that a TLS connection offers. HTTP/1.1 has one request on each connection, so cutting off a loser closes only its own
 * connection.
 */
export function offering(http2: boolean): { readonly allowH2: boolean; readonly preferH2: boolean } {
  return { allowH2: http2, preferH2: http2 };
}
