import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Random } from '../crash/random.ts';
import type { DiskCall } from './recorded-disk.js';

/** Writes reach a disk by whole sectors: a power cut can tear one write between two of them. */
const SECTOR_BYTES = 512;
/** What SQLite shares by memory and makes anew when nobody uses the database, and files without a name. */
const NOT_ON_DISK = /-shm$| \(deleted\)$/;

type Change = Pick<DiskCall, 'operation' | 'offset' | 'data'>;

/** What the disk has of a file, and what the system has still to bring there. */
interface ReplayedFile {
  synced: Buffer;
  unsynced: Change[];
}

/**
 * What a disk has after calls of a record, and what a power cut may leave of that. As POSIX allows: nothing of a file is sure before it
 * is synced, nor is its name before its directory is; what a sync that failed should have brought there may never come.
 */
export class ReplayedDisk {
  private readonly files = new Map<bigint, ReplayedFile>();
  private names = new Map<string, bigint>();
  private syncedNames = new Map<string, bigint>();

  constructor(private readonly directory: string) {}

  /** @returns whether it changes what a power cut may leave */
  take({ operation, path, file, offset, data }: DiskCall): boolean {
    if (operation === 'told' || NOT_ON_DISK.test(path)) return false;
    if (path === this.directory) {
      if (operation === 'sync') this.syncedNames = new Map(this.names);
    } else if (operation === 'unlink') this.names.delete(path);
    else if (operation === 'rename') this.rename(path, data.toString());
    else {
      const found = this.fileOf(path, file);
      if (operation === 'write' || operation === 'truncate') found.unsynced.push({ operation, offset, data });
      if (operation === 'sync') found.synced = apply(found.synced, found.unsynced);
      if (operation === 'sync' || operation === 'sync-failed') found.unsynced = [];
    }
    return true;
  }

  /** Writes the least that a power cut leaves into another directory: what was synced. */
  leaveSynced(directory: string): void {
    this.leave(directory, this.syncedNames, () => []);
  }

  /** Writes what a power cut may leave: any of the writes that were not synced, whole or torn. */
  leaveTorn(directory: string, random: Random): void {
    const names = random.pick([this.names, this.syncedNames]);
    this.leave(directory, names, ({ unsynced }) =>
      unsynced.flatMap((change) => torn(change, random.pick(['all', 'all', 'none', 'torn']), random)),
    );
  }

  private rename(from: string, to: string): void {
    const file = this.names.get(from);
    this.names.delete(from);
    if (file !== undefined) this.names.set(to, file);
  }

  private fileOf(path: string, id: bigint): ReplayedFile {
    let file = this.files.get(id);
    // The system gives the number of a file that is gone to another one.
    if (!file || this.names.get(path) !== id) {
      this.names.set(path, id);
      this.files.set(id, (file = { synced: Buffer.alloc(0), unsynced: [] }));
    }
    return file;
  }

  private leave(
    directory: string,
    names: ReadonlyMap<string, bigint>,
    reached: (file: ReplayedFile) => readonly Change[],
  ): void {
    mkdirSync(directory);
    for (const [path, id] of names) {
      const file = this.files.get(id);
      if (file) writeFileSync(join(directory, basename(path)), apply(file.synced, reached(file)));
    }
  }
}

/** The content of a file after changes. */
function apply(before: Buffer, changes: readonly Change[]): Buffer {
  let content = before;
  for (const { operation, offset, data } of changes) {
    const size = operation === 'truncate' ? offset : Math.max(content.length, offset + data.length);
    const next = Buffer.alloc(size);
    content.copy(next);
    if (operation === 'write') data.copy(next, offset);
    content = next;
  }
  return content;
}

/** What of a change has reached the disk. */
function torn(change: Change, fate: 'all' | 'none' | 'torn', random: Random): Change[] {
  if (fate === 'none') return [];
  const { offset, data } = change;
  const firstEnd = SECTOR_BYTES - (offset % SECTOR_BYTES);
  if (fate === 'all' || change.operation !== 'write' || data.length <= firstEnd) return [change];
  const cut =
    firstEnd + SECTOR_BYTES * random.int(0, Math.floor((data.length - firstEnd - 1) / SECTOR_BYTES));
  return random.pick([
    [{ ...change, data: data.subarray(0, cut) }],
    [{ ...change, offset: offset + cut, data: data.subarray(cut) }],
  ]);
}
