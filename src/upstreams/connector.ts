import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { TlsTexts } from './tls-files.js';
import { isPublic } from '../core/public-address.js';
import { ForbiddenAddress, publicLookup } from './address-guard.js';

/** How long a connection may take to come about, in milliseconds; a shorter timeout of a sub-task ends the wait before. */
export const CONNECT_TIMEOUT_MS = 10_000;

interface ConnectorOptions {
  /** Whether only public addresses are connected to. */
  readonly guarded: boolean;
  readonly lookup: LookupFunction;
  readonly tls?: TlsTexts | undefined;
  readonly http2?: boolean | undefined;
}

/**
 * Opens the connections of one origin, to public addresses alone where `guarded`: a literal address is checked before
 * the connection, a name by the addresses it is resolved to, and what the socket is connected to before a byte goes out.
 *
 * @param connecting where sockets stand until they are connected, for whoever stops the service
 */
export function createConnector(
  { guarded, lookup, tls, http2 = false }: ConnectorOptions,
  connecting: Set<Socket>,
): buildConnector.connector {
  // It gives back the socket, which its types leave out. Without it nothing would be checked, and no connection come about.
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
    // Before undici's own listener, and before TLS says hello.
    socket.prependOnceListener('connect', () => {
      const { remoteAddress = '' } = socket;
      if (guarded && !isPublic(remoteAddress))
        socket.destroy(new ForbiddenAddress(hostname, [remoteAddress]));
    });
  };
}

/** What a TLS connection offers to speak. With HTTP/1.1 a connection has one request, and a loser that is cut off closes its own. */
export function offering(http2: boolean): { readonly allowH2: boolean; readonly preferH2: boolean } {
  return { allowH2: http2, preferH2: http2 };
}
