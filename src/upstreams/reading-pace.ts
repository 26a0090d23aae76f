import { READING_SHARE, type MemoryBudget, type MemoryWaiter } from '../core/memory-budget.js';

/** How much a connection delivers at a time, in bytes. */
const CHUNK_BYTES = 64 * 2 ** 10;

/** A source that can be paused. */
interface Source {
  pause(): void;
  resume(): void;
}

/** Counts the memory of a response while it is read, and pauses reading when the memory budget is used up. */
export class ReadingPace implements MemoryWaiter {
  readonly bytes = CHUNK_BYTES;
  private takenBytes = 0;
  private keptBytes = 0;
  private paused: Source | undefined;

  constructor(private readonly memory: MemoryBudget) {}

  /** Whether reading is paused until there is memory. */
  get isPaused(): boolean {
    return this.paused !== undefined;
  }

  /** Counts further bytes. @param source is paused while there is too little memory, until others give some back */
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

  /** Gives all counted memory back. */
  end(): void {
    this.memory.leave(this);
    this.paused = undefined;
    this.memory.give(this.takenBytes);
    this.takenBytes = 0;
    this.keptBytes = 0;
  }
}
