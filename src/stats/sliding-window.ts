import type { Stretch } from '../run/journal.js';
import { TaskSlice } from './task-slice.js';

export const SLICE_MS = 5 * 60_000;
/** Slices of the window, which is between 55 minutes and an hour long. */
const SLICES = 12;

/** A slice and its position. */
export interface StoredSlice {
  readonly task: string;
  /** Start of the slice, in milliseconds since 1970. */
  readonly start: number;
  readonly slice: TaskSlice;
  /** Whether the slice has changed since it was saved. */
  changed: boolean;
}

/** The window at a moment. Slices that begin in it belong to it. */
export function windowAt(now: number): Stretch {
  return { from: startOf(now) - (SLICES - 1) * SLICE_MS, to: now };
}

/**
 * The statistics of each task in the last hour, in slices that leave the window one by one. Slices go by the time of events. When the clock is
 * set back, slices that are then in the future leave the window too; otherwise they would stay until the clock gets there again.
 */
export class SlidingWindow {
  private readonly tasks = new Map<string, StoredSlice[]>();

  /** The slice of a task for a time, to add to. */
  at(task: string, ms: number): TaskSlice {
    const start = startOf(ms);
    const stored = this.stored(task);
    const found =
      stored.find((candidate) => candidate.start === start) ?? insert(stored, new TaskSlice(), task, start);
    found.changed = true;
    return found.slice;
  }

  /** Puts a saved slice back into its place. */
  restore(task: string, start: number, slice: TaskSlice): void {
    insert(this.stored(task), slice, task, start);
  }

  clear(): void {
    this.tasks.clear();
  }

  /** The slices of a task, the newest first. */
  slices(task: string, now: number): TaskSlice[] {
    const { from, to } = windowAt(now);
    const stored = this.tasks.get(task) ?? [];
    return stored.filter(({ start }) => start >= from && start <= to).map(({ slice }) => slice);
  }

  /** Drops slices that no longer count. */
  forgetOld(now: number): void {
    const { from, to } = windowAt(now);
    for (const [task, stored] of this.tasks) {
      const kept = stored.filter(({ start }) => start >= from && start <= to);
      if (kept.length === 0) this.tasks.delete(task);
      else if (kept.length < stored.length) this.tasks.set(task, kept);
    }
  }

  /** The slices that have changed since the last call. */
  takeChanged(): StoredSlice[] {
    const changed = [...this.tasks.values()].flat().filter((stored) => stored.changed);
    for (const stored of changed) stored.changed = false;
    return changed;
  }

  private stored(task: string): StoredSlice[] {
    let stored = this.tasks.get(task);
    if (!stored) this.tasks.set(task, (stored = []));
    return stored;
  }
}

function startOf(ms: number): number {
  return Math.floor(ms / SLICE_MS) * SLICE_MS;
}

/** Inserts a slice, the newest in front: that one is most often looked for. */
function insert(stored: StoredSlice[], slice: TaskSlice, task: string, start: number): StoredSlice {
  const added = { task, start, slice, changed: false };
  stored.push(added);
  stored.sort((a, b) => b.start - a.start);
  return added;
}
