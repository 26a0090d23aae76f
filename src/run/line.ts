/** A queue whose members may leave at any time. */
export class Line<T> {
  private readonly members = new Set<T>();
  /** An iterator at the first member: a new iterator would have to pass all members that have left. */
  private rest = this.members.values();

  get size(): number {
    return this.members.size;
  }

  add(member: T): void {
    this.members.add(member);
  }

  /** @returns false when the member isn't in the line */
  delete(member: T): boolean {
    return this.members.delete(member);
  }

  /** Removes and returns the first member; undefined when there is none. */
  shift(): T | undefined {
    if (this.members.size === 0) return undefined;
    const { value, done } = this.rest.next();
    if (done) {
      this.rest = this.members.values();
      return this.shift();
    }
    this.members.delete(value);
    return value;
  }
}
