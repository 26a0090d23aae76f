/** A stream whose chunks a test brings, one by one, and that says how many were asked for. */
export class PushedStream implements AsyncIterableIterator<unknown> {
  /** How many chunks its reader has asked for. */
  asked = 0;
  /** Whether its reader wants no more of it. */
  returned = false;
  private readonly waiting: PromiseWithResolvers<IteratorResult<unknown>>[] = [];
  private readonly ready: Promise<IteratorResult<unknown>>[] = [];

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(...chunks: readonly unknown[]): this {
    for (const value of chunks) this.bring(Promise.resolve({ value }));
    return this;
  }

  end(): this {
    this.bring(Promise.resolve({ done: true, value: undefined }));
    return this;
  }

  fail(error: Error): this {
    const failed = Promise.reject(error);
    failed.catch(() => undefined);
    this.bring(failed);
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    this.asked += 1;
    const ready = this.ready.shift();
    if (ready) return ready;
    const waiting = Promise.withResolvers<IteratorResult<unknown>>();
    this.waiting.push(waiting);
    return waiting.promise;
  }

  return(): Promise<IteratorResult<unknown>> {
    this.returned = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  private bring(next: Promise<IteratorResult<unknown>>): void {
    const waiting = this.waiting.shift();
    if (waiting) waiting.resolve(next);
    else this.ready.push(next);
  }
}
