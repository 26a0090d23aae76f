/** Those that wait, in the order in which they came. Each may leave at any time. */
export class Line<T> {
  private readonly members = new Set<T>();
  /** Stands where the first is: a new iterator would pass by all that have left before it. */
  private rest = this.members.values();

  get size(): number {
    return this.members.size;
  }

  add(member: T): void {
    this.members.add(member);
  }

  /** False when it isn't in the line. */
  delete(member: T): boolean {
    return this.members.delete(member);
  }

  /** Takes the first out; undefined when there is none. */
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
