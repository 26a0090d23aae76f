/** Events that are to be committed together. */
export abstract class CommitGroup {
  /** Approximate size of the group, in characters of JSON. */
  size = 0;
  private readonly commit = Promise.withResolvers<undefined>();

  abstract readonly count: number;
  abstract tellsOf(runId: string): boolean;

  /** Resolves when the group is committed or given up. */
  get settled(): Promise<undefined> {
    return this.commit.promise;
  }

  settle(): void {
    this.commit.resolve(undefined);
  }
}
