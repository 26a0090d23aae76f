import type { Response } from 'express';

/** After this time, in milliseconds, a closed connection has refused what was written to it. */
const REFUSAL_MS = 500;

/**
 * Writes to a reader that has ended its side of the connection: one that has closed it all refuses that, and the next write fails.
 *
 * @param write writes something to it
 * @returns what ends that
 */
export function probeHalfClosed({ req: { socket } }: Response, write: () => void): () => void {
  const probe = (): void => {
    write();
    setTimeout(write, REFUSAL_MS).unref();
  };
  socket.on('end', probe);
  return () => socket.off('end', probe);
}
