/** Events that are to be committed together. */
export abstract class CommitGroup {
  /** Roughly what it holds, in characters of JSON. */
  size = 0;
  private readonly commit = Promise.withResolvers<undefined>();

  constructor() {
    // Whoever waits for it learns that it was given up; most append without waiting.
    this.commit.promise.catch(() => undefined);
  }

  abstract readonly count: number;
  abstract tellsOf(runId: string): boolean;

  /** Resolves when it is committed; rejects when it is given up. */
  get committed(): Promise<undefined> {
    return this.commit.promise;
  }

  succeed(): void {
    this.commit.resolve(undefined);
  }

  giveUp(reason: Error): void {
    this.commit.reject(reason);
  }
}
