import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { firstAnswer, type Answer } from './answer.ts';
import type { WireRequest } from './wire-request.ts';

/** Past it, a request hangs: nothing that the fuzz asks for takes as long. */
const LONGEST_MS = 15_000;
/** How long a request that may not be whole waits for its answer, before its side of the connection is closed. */
const HALF_CLOSE_MS = 5;

/** Sends a request over a connection of its own; resolves with the first answer, undefined when there was none. */
export async function exchange(url: string, request: WireRequest): Promise<Answer | undefined> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  // A character for a byte.
  socket.setEncoding('latin1');
  let received = '';
  const isHead = request.line?.method === 'HEAD';
  const answered = new Promise<Answer | undefined>((resolve, reject) => {
    const look = (closed: boolean): void => {
      const answer = firstAnswer(received, isHead, closed);
      if (answer ?? closed) resolve(answer);
    };
    socket.on('data', (chunk: string) => {
      received += chunk;
      look(false);
    });
    // A server that refuses a body closes the connection before all of it is sent: the answer may be there already.
    socket.on('error', () => undefined);
    socket.on('end', () => look(true)).on('close', () => look(true));
    socket.setTimeout(LONGEST_MS, () => {
      reject(new Error(`Neither answered nor closed within ${LONGEST_MS} ms`));
    });
  });
  try {
    await Promise.race([send(), answered]);
    if (!request.whole) {
      await Promise.race([delay(HALF_CLOSE_MS), answered]);
      socket.end();
    }
    return await answered;
  } finally {
    socket.destroy();
  }

  async function send(): Promise<void> {
    const { bytes, pieces, pauseMs } = request;
    const length = Math.max(1, Math.ceil(bytes.length / pieces));
    for (let start = 0; start < bytes.length; start += length) {
      if (start > 0) await delay(pauseMs);
      if (!socket.writable) return;
      socket.write(bytes.subarray(start, start + length));
    }
  }
}
