import { execFile, spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open, readFile, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Stage } from './stage.ts';
import { summarize } from './statistics.ts';
import { figure } from './table.ts';

/** What the databases of a bench lie on. Without it, figures of commits say little. */
export interface Disk {
  /** As the kernel calls it; undefined where there is no /proc. */
  readonly fileSystem: string | undefined;
  /** How long it takes to write 4 KiB more to a file and have them on the disk, at the median, in milliseconds. */
  readonly syncMs: number;
}

const WRITES = 200;
const BLOCK = Buffer.alloc(4096, 1);
const SECTOR_BYTES = 512;

/** Measures it in `directory`, and says so where the figures would be those of memory. */
export async function measureDisk(stage: Stage, directory: string): Promise<Disk> {
  const file = await open(path.join(directory, 'sync'), 'w');
  const took: number[] = [];
  try {
    for (let write = 0; write < WRITES; write++) {
      stage.signal.throwIfAborted();
      const before = performance.now();
      await file.write(BLOCK);
      await file.datasync();
      took.push(performance.now() - before);
    }
  } finally {
    await file.close();
  }
  const fileSystem = await fileSystemOf(directory);
  if (fileSystem === 'tmpfs')
    stage.say(`Caution: ${directory} is in memory, so commits cost nothing. --data DIR takes another one.`);
  return { fileSystem, syncMs: summarize(took).median };
}

/**
 * What has been written to the disk of a directory so far, in bytes, once all that waits for it is on it; undefined where the kernel doesn't say.
 * What the kernel says of each process counts pages of several MiB as soon as a few bytes of them change.
 */
export async function writtenBytes(directory: string): Promise<number | undefined> {
  const { dev } = await stat(directory);
  const device = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
  await promisify(execFile)('sync', ['-f', directory]).catch(() => undefined);
  // Its seventh number: https://docs.kernel.org/block/stat.html
  const text = await readFile(`/sys/dev/block/${device}/stat`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.trim().split(/\s+/)[6]) * SECTOR_BYTES;
}

export function diskLine({ fileSystem, syncMs }: Disk): string {
  return (
    `Databases are on ${fileSystem ?? 'a file system unknown'}, where 4 KiB more are on the disk after ` +
    `${figure(syncMs, 2)} ms at the median.`
  );
}

/** @throws Error where `directory` has less room than that */
export async function refuseFullDisk(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  const gibibytes = (count: number) => figure(count / 2 ** 30, 1);
  throw new Error(
    `${directory} has room for ${gibibytes(bavail * bsize)} GiB, but ${gibibytes(bytes)} are needed: ` +
      'choose another directory (--data DIR), or ask for less (--runs N).',
  );
}

/** Makes the system forget what it has of a file in memory. False where there is no GNU dd to ask it with. */
export function dropFromMemory(file: string): boolean {
  // GNU's manual for dd gives this as the way to do it; it neither reads nor writes the file.
  const args = [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'];
  return spawnSync('dd', args).status === 0;
}

/** Makes the system have all of a file in memory, as far as there is room. */
export async function readIntoMemory(file: string, signal: AbortSignal): Promise<void> {
  const sink = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), sink, { signal });
}

/** The file system of the longest mount point that `directory` lies in. */
async function fileSystemOf(directory: string): Promise<string | undefined> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  return mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '-']) => `${directory}/`.startsWith(at === '/' ? at : `${at}/`))
    .sort(([, a = ''], [, b = '']) => a.length - b.length)
    .at(-1)?.[2];
}
