import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * Sends a request to the letter, without the headers that HTTP clients add; resolves with the whole answer.
 *
 * @param url has what the path of the request is preceded by
 */
export async function sendRaw(
  url: string,
  [line = '', ...headers]: readonly string[],
  body = '',
): Promise<string> {
  const { hostname, port, host, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const address = line.replace(' /', ` ${pathname.replace(/\/$/, '')}/`);
  socket.write([address, ...headers, `Host: ${host}`, 'Connection: close', '', body].join('\r\n'));
  return text(socket);
}
