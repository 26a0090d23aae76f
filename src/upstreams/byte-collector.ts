/** Collects bytes that come in chunks in one buffer. Keeping chunks of one byte each would take a hundred times their size. */
export class ByteCollector {
  length = 0;
  private buffer: Buffer | undefined;

  /** @param limit most bytes to keep */
  constructor(private readonly limit: number) {}

  get bytes(): Buffer {
    return this.buffer?.subarray(0, this.length) ?? Buffer.alloc(0);
  }

  /** Keeps as much of a chunk as there is room for. */
  add(chunk: Buffer): void {
    const part =
      chunk.length > this.limit - this.length ? chunk.subarray(0, this.limit - this.length) : chunk;
    if (!this.buffer) {
      // Most bodies have only one chunk, which then needs no copy.
      this.buffer = part;
      this.length = part.length;
      return;
    }
    const needed = this.length + part.length;
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.limit, needed * 2));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    part.copy(this.buffer, this.length);
    this.length = needed;
  }
}
