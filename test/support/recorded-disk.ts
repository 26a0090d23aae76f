import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SOURCE = resolve(import.meta.dirname, 'recorded-disk.c');
/** Those of the C source, from 1 on. */
const OPERATIONS = [
  'write',
  'truncate',
  'sync',
  'sync-failed',
  'create',
  'unlink',
  'rename',
  'told',
] as const;
const HEAD_BYTES = 32;

/** What a process did to a file of the directory, or wrote to a TCP connection (`told`). */
export interface DiskCall {
  readonly operation: (typeof OPERATIONS)[number];
  readonly path: string;
  /** Which file it was, whatever its name is by now. */
  readonly file: bigint;
  /** Of a write its place, of `truncate` the new size. */
  readonly offset: number;
  /** What was written; of `rename` the new path. */
  readonly data: Buffer;
}

/** Stands between processes and the files of one directory, below the system calls of SQLite. */
export class RecordedDisk {
  /** Why there can be none here. */
  static readonly obstacle = findObstacle();
  private readonly own = mkdtempSync(join(tmpdir(), 'frontrunner-'));
  private readonly control = openSync(join(this.own, 'control'), 'w+');
  /** What lets a process be watched. */
  readonly env: Readonly<Record<string, string>>;

  constructor(directory: string) {
    const library = join(this.own, 'recorded-disk.so');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl', '-lpthread']);
    this.env = {
      LD_PRELOAD: library,
      DISK_DIRECTORY: directory,
      DISK_TRACE: join(this.own, 'trace'),
      DISK_CONTROL: join(this.own, 'control'),
      // Such calls would pass below.
      UV_USE_IO_URING: '0',
    };
    this.failAt(0, 'EIO');
  }

  /** Lets the n-th call from now on fail, once; 0 for none. */
  failAt(n: number, error: 'EIO' | 'ENOSPC'): void {
    writeSync(this.control, new Int32Array([n, constants.errno[error]]), 0, 8, 0);
  }

  /** Whether the call that was asked for has failed. */
  get failed(): boolean {
    const countdown = new Int32Array(1);
    readSync(this.control, countdown, 0, 4, 0);
    return countdown[0] === 0;
  }

  /** All calls so far, in their order. */
  calls(): DiskCall[] {
    const trace = readFileSync(join(this.own, 'trace'));
    const calls: DiskCall[] = [];
    for (let at = 0; at < trace.length;) {
      const pathAt = at + HEAD_BYTES;
      const dataAt = pathAt + trace.readUInt32LE(at + 4);
      const end = dataAt + Number(trace.readBigUInt64LE(at + 8));
      calls.push({
        operation: OPERATIONS[trace.readUInt32LE(at) - 1]!,
        path: trace.toString('utf8', pathAt, dataAt),
        file: trace.readBigUInt64LE(at + 16),
        offset: Number(trace.readBigUInt64LE(at + 24)),
        data: trace.subarray(dataAt, end),
      });
      at = end;
    }
    return calls;
  }

  remove(): void {
    closeSync(this.control);
    rmSync(this.own, { recursive: true });
  }
}

function findObstacle(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux can preload it';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no C compiler (cc)';
  }
}
