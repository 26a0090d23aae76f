import { READING_SHARE, type MemoryBudget, type MemoryWaiter } from '../core/memory-budget.js';

/** What a connection brings at a time, in bytes. */
const CHUNK_BYTES = 64 * 2 ** 10;

/** What can be read slower. */
interface Source {
  pause(): void;
  resume(): void;
}

/** Counts what is kept of a response while it is read, and reads on only as far as the memory budget allows. */
export class ReadingPace implements MemoryWaiter {
  readonly bytes = CHUNK_BYTES;
  private takenBytes = 0;
  private keptBytes = 0;
  private paused: Source | undefined;

  constructor(private readonly memory: MemoryBudget) {}

  /** Whether no more is to be read before there is memory for it. */
  get isPaused(): boolean {
    return this.paused !== undefined;
  }

  /** Counts so many more bytes. @param source is paused until others give memory back, where there is too little */
  keep(bytes: number, source: Source | undefined): void {
    const { memory } = this;
    this.keptBytes += bytes;
    if (this.keptBytes > this.takenBytes) {
      memory.take(this.keptBytes - this.takenBytes);
      this.takenBytes = this.keptBytes;
    }
    if (!source || this.paused || memory.fits(0, READING_SHARE)) return;
    this.paused = source;
    source.pause();
    memory.wait(this);
  }

  memoryTaken(): void {
    const { paused } = this;
    this.takenBytes += this.bytes;
    this.paused = undefined;
    paused?.resume();
  }

  /** Gives all of it back. */
  end(): void {
    this.memory.leave(this);
    this.paused = undefined;
    this.memory.give(this.takenBytes);
    this.takenBytes = 0;
    this.keptBytes = 0;
  }
}
