import { Transform, type TransformCallback } from 'node:stream';
import { createInflate, createInflateRaw } from 'node:zlib';

/** Whether a stream has zlib's header. In practice, no raw stream begins like this. */
const isZlib = (chunk: Buffer): boolean => ((chunk[0] ?? 0) & 0x0f) === 8;

/** Decodes `deflate` in both forms: with zlib's header, as the standard says, and without it, as some servers send it. */
export class Inflate extends Transform {
  private inner: Transform | undefined;

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.inner ??= this.open(chunk);
    this.inner.write(chunk, () => {
      done();
    });
  }

  override _read(size: number): void {
    this.inner?.resume();
    super._read(size);
  }

  override _flush(done: TransformCallback): void {
    if (!this.inner) done();
    else
      this.inner
        .once('end', () => {
          done();
        })
        .end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.inner?.removeAllListeners('data').destroy();
    done(error);
  }

  private open(first: Buffer): Transform {
    const inner = isZlib(first) ? createInflate() : createInflateRaw();
    return inner
      .on('data', (data: Buffer) => {
        if (!this.push(data)) inner.pause();
      })
      .on('error', (error) => {
        this.destroy(error);
      });
  }
}
