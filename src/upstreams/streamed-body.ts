import { READING_SHARE, type MemoryBudget } from '../core/memory-budget.js';

/** How much may be there unread before the upstream waits, in bytes. A connection brings up to 64 KiB more at a time. */
const UNREAD_BYTES = 16 * 2 ** 10;

/** Where the pieces of a body come from. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** No more is wanted. @param atEnd whether nothing but the end of the body is to come, so that its connection may be kept */
  leave(atEnd: boolean): void;
}

/**
 * A body as it comes, read once. While nobody reads, its upstream waits. A reader that stops before its end closes the connection.
 * Reading rejects with what broke the body off, behind all that came before.
 */
export class StreamedBody implements AsyncIterableIterator<Buffer> {
  private readonly pieces: Buffer[] = [];
  private unreadBytes = 0;
  private isPaused = false;
  private isOver = false;
  private error: Error | undefined;
  private reader: PromiseWithResolvers<IteratorResult<Buffer, undefined>> | undefined;
  private readonly ending = Promise.withResolvers<unknown>();

  constructor(
    private readonly source: BodySource,
    private readonly memory: MemoryBudget,
  ) {}

  /** Resolves when nothing more comes: with what broke it off, undefined where nothing did. */
  get over(): Promise<unknown> {
    return this.ending.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const piece = this.pieces.shift();
    if (piece) {
      this.count(-piece.length);
      this.resumeIfRead();
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.isOver) return this.end();
    this.reader = Promise.withResolvers();
    this.resumeIfRead();
    return this.reader.promise;
  }

  /** Reads no more, and closes the connection. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.leave(false);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Reads no more, where the upstream has nothing more to say: the connection is kept if it ends the body soon. */
  leaveAtEnd(): void {
    this.leave(true);
  }

  /** Takes the next piece from the source. */
  push(piece: Buffer): void {
    if (this.isOver) return;
    if (this.reader) {
      this.reader.resolve({ done: false, value: piece });
      this.reader = undefined;
      return;
    }
    this.pieces.push(piece);
    this.count(piece.length);
    if (this.isPaused || (this.unreadBytes < UNREAD_BYTES && this.memory.fits(0, READING_SHARE))) return;
    this.isPaused = true;
    this.source.pause();
  }

  /** Called by the source at the end of the body. */
  finish(): void {
    this.become(undefined);
  }

  /** Called by the source when it breaks off. @param atOnce whether what is unread is of no use */
  fail(error: unknown, atOnce: boolean): void {
    if (atOnce) this.discard();
    this.become(error);
  }

  private leave(atEnd: boolean): void {
    this.discard();
    if (this.isOver) return;
    this.become(undefined);
    this.source.leave(atEnd);
  }

  private become(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error as Error | undefined;
    this.ending.resolve(error);
    this.reader?.resolve(this.end());
    this.reader = undefined;
  }

  private end(): Promise<IteratorResult<Buffer, undefined>> {
    const { error } = this;
    this.error = undefined;
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  private discard(): void {
    this.pieces.length = 0;
    this.count(-this.unreadBytes);
  }

  private count(bytes: number): void {
    this.unreadBytes += bytes;
    if (bytes > 0) this.memory.take(bytes);
    else this.memory.give(-bytes);
  }

  private resumeIfRead(): void {
    if (!this.isPaused || this.isOver || this.unreadBytes >= UNREAD_BYTES) return;
    this.isPaused = false;
    this.source.resume();
  }
}
