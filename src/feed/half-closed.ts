import type { Response } from 'express';

/** After this time, in milliseconds, a closed connection has refused what was written to it. */
const REFUSAL_MS = 500;

/**
 * Finds out whether a reader that has closed its sending side has closed the whole connection. It writes twice to the reader: a closed reader
 * refuses the first write, so that the second one fails.
 *
 * @param write writes something to the reader
 * @returns a function that ends the probing
 */
export function probeHalfClosed({ req: { socket } }: Response, write: () => void): () => void {
  const probe = (): void => {
    write();
    setTimeout(write, REFUSAL_MS).unref();
  };
  socket.on('end', probe);
  return () => socket.off('end', probe);
}
