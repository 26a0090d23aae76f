import { READING_SHARE, type MemoryBudget } from '../core/memory-budget.js';

/** How much may be unread before the upstream is paused, in bytes. A connection may deliver up to 64 KiB more at a time. */
const UNREAD_BYTES = 16 * 2 ** 10;

/** The source of a body's pieces. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Called when no more is wanted. @param atEnd whether only the end of the body is expected, so that the connection may be kept */
  leave(atEnd: boolean): void;
}

/**
 * A body that is read as it comes, once. The upstream is paused while nobody reads. A reader that stops early closes the connection. If
 * the body breaks off, reading first returns everything that came before, and then rejects.
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

  /** Resolves when nothing more comes: with the error that broke the body off, or undefined. */
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

  /** Stops reading, and closes the connection. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.leave(false);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Stops reading a body whose end is due. The connection is kept if the end comes soon. */
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

  /** Called by the source when the body breaks off. @param atOnce whether to discard what is unread */
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
