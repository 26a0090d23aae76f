import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** Sends a request to the letter, without the headers that HTTP clients add; resolves with the whole answer. */
export async function sendRaw(url: string, head: readonly string[], body = ''): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write([...head, `Host: ${host}`, 'Connection: close', '', body].join('\r\n'));
  return text(socket);
}
