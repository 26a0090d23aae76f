import type { Socket } from 'node:net';

const BEGINNING = 'HTTP/1.1 100';
const AT_STATUS = 'HTTP/1.1 '.length;
const ONE = 0x31;
/** Longest `100 Continue`, in bytes. A longer one is left to undici, which ends the connection. */
const MAX_BYTES = 4_096;

/**
 * Removes a `100 Continue` before a response. Clients must ignore one that they didn't ask for (RFC 9110, 15.2.1), but undici ends the
 * connection.
 */
export class UnaskedContinue {
  private isExpected = false;
  private held: Buffer | undefined;

  /** To be called when a response is about to begin. */
  expect(): void {
    this.isExpected = true;
    this.held = undefined;
  }

  watch(socket: Socket): void {
    const read = socket.read.bind(socket);
    socket.read = (size?: number) => {
      const chunk = read(size) as Buffer | null;
      return this.isExpected && chunk ? this.rest(chunk) : chunk;
    };
  }

  /** The bytes without a leading `100 Continue`; null while more bytes are needed. */
  private rest(chunk: Buffer): Buffer | null {
    // Nearly all responses end here: their status doesn't begin with 1.
    if (!this.held && chunk.length > AT_STATUS && chunk[AT_STATUS] !== ONE) {
      this.isExpected = false;
      return chunk;
    }
    let bytes = this.held ? Buffer.concat([this.held, chunk]) : chunk;
    this.held = undefined;
    while (BEGINNING.startsWith(bytes.toString('latin1', 0, BEGINNING.length))) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end > MAX_BYTES || (end < 0 && bytes.length > MAX_BYTES)) break;
      if (end < 0) {
        this.held = bytes.length > 0 ? bytes : undefined;
        return null;
      }
      bytes = bytes.subarray(end + 4);
    }
    this.isExpected = false;
    return bytes;
  }
}
