import type { DestinationStream } from 'pino';

/** What pino writes to a file or a pipe with. */
interface Sink extends DestinationStream {
  flushSync(): void;
}

const BUFFER_CHARACTERS = 8 * 1024;
/** Lines wait at most this long in memory. */
const FLUSH_MS = 100;

/** Hands lines on by the handful: the sink measures all it holds again for every write, which costs more than the lines. */
export class LogBuffer implements DestinationStream {
  private lines = '';

  constructor(private readonly sink: Sink) {
    setInterval(() => {
      this.flush();
    }, FLUSH_MS).unref();
    process.on('exit', () => {
      this.flush();
      sink.flushSync();
    });
  }

  write(line: string): void {
    this.lines += line;
    if (this.lines.length >= BUFFER_CHARACTERS) this.flush();
  }

  private flush(): void {
    if (this.lines.length === 0) return;
    const { lines } = this;
    this.lines = '';
    this.sink.write(lines);
  }
}
