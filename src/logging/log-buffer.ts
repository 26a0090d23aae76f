import type { DestinationStream } from 'pino';

const BUFFER_CHARACTERS = 8 * 1024;
/** Lines wait at most this long in memory. */
const FLUSH_MS = 100;

/** Collects lines before it writes them: the sink measures its whole buffer at every write, which costs more than the lines. */
export class LogBuffer implements DestinationStream {
  private lines = '';

  constructor(private readonly sink: DestinationStream) {
    setInterval(() => {
      this.flush();
    }, FLUSH_MS).unref();
  }

  write(line: string): void {
    this.lines += line;
    if (this.lines.length >= BUFFER_CHARACTERS) this.flush();
  }

  /** Writes the collected lines. */
  flush(): void {
    if (this.lines.length === 0) return;
    const { lines } = this;
    this.lines = '';
    this.sink.write(lines);
  }
}
