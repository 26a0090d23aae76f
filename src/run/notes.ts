/** How many notes a journal keeps; a database may have more for a minute. Beyond that, the notes that end first are forgotten. */
export const MOST_NOTES = 10_000;

/** A text that is kept under a name until a time. */
export interface Note {
  /** The kind of note, such as `breaker`. Names of different kinds are independent. */
  readonly kind: string;
  /** At most 200 characters. */
  readonly name: string;
  /** At most 4,000 characters. */
  readonly text: string;
  /** End of the note, in milliseconds since 1970 by the journal's clock. After that the note doesn't exist. */
  readonly until: number;
}

/**
 * Short-lived texts beside the log, for all processes that share a journal, also over restarts. Each call throws `journal-unavailable` if it can't be
 * done.
 */
export interface Notes {
  /** The notes of a kind. */
  all(kind: string): Promise<readonly Note[]>;
  /** One note; undefined where there is none, or none any more. */
  find(kind: string, name: string): Promise<Note | undefined>;
  /** Keeps a note, and replaces an earlier one of the same name. */
  put(note: Note): Promise<void>;
  /**
   * Keeps a note unless there is one of that name. Of several claims at the same time, one succeeds.
   *
   * @returns the note that is kept
   */
  claim(note: Note): Promise<Note>;
  /** @param text removes the note only where it has this one: another may have taken its place */
  remove(kind: string, name: string, text?: string): Promise<void>;
}

/** The notes of a process that keeps its journal in memory. */
export class OwnNotes implements Notes {
  private readonly kept = new Map<string, Note>();

  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  all(kind: string): Promise<readonly Note[]> {
    const now = this.now();
    return Promise.resolve([...this.kept.values()].filter((note) => note.kind === kind && note.until > now));
  }

  find(kind: string, name: string): Promise<Note | undefined> {
    return Promise.resolve(this.current(kind, name));
  }

  put(note: Note): Promise<void> {
    this.kept.set(keyOf(note.kind, note.name), note);
    if (this.kept.size > MOST_NOTES) this.makeRoom();
    return Promise.resolve();
  }

  async claim(note: Note): Promise<Note> {
    const kept = this.current(note.kind, note.name);
    if (kept) return kept;
    await this.put(note);
    return note;
  }

  remove(kind: string, name: string, text?: string): Promise<void> {
    const key = keyOf(kind, name);
    if (text === undefined || this.kept.get(key)?.text === text) this.kept.delete(key);
    return Promise.resolve();
  }

  private current(kind: string, name: string): Note | undefined {
    const note = this.kept.get(keyOf(kind, name));
    return note && note.until > this.now() ? note : undefined;
  }

  private makeRoom(): void {
    const now = this.now();
    for (const [key, { until }] of this.kept) if (until <= now) this.kept.delete(key);
    const first = [...this.kept].toSorted(([, one], [, other]) => one.until - other.until);
    for (const [key] of first.slice(0, this.kept.size - MOST_NOTES)) this.kept.delete(key);
  }
}

function keyOf(kind: string, name: string): string {
  return JSON.stringify([kind, name]);
}
