import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './free-port.ts';
import { postgresPrograms, type PostgresPrograms } from './postgres-programs.ts';

interface Options {
  /** Whether what is committed survives the end of the machine, as by default of Postgres; slow. Default: false. */
  readonly durable?: boolean;
  /** Whether it keeps checksums of its pages, as by default of Postgres 18. Default: true. */
  readonly checksums?: boolean;
  /** Where it keeps its data, which outlives it; run by root, `nobody` must reach it. Default: one that goes with it. */
  readonly directory?: string;
  /**
   * What the memory is in that its processes share while they run: `mmap`, files of its own directory, of which a killed one leaves none
   * behind; or `posix`, as by default of Postgres, which no disk sees. Default: `mmap`.
   */
  readonly sharedMemory?: 'mmap' | 'posix';
  /** Of which it is a standby, until it is promoted. Default: none. */
  readonly primary?: EmbeddedPostgres;
}

const ATTEMPTS = 5;
const IN_USE = 'Address already in use';

/**
 * Learns from its input which process runs now. When the input ends, it ends that process and removes what is temporary;
 * so nothing is left even when we are killed. A process may stay for a while when it has ended, so its lock file counts.
 */
const KEEPER = `
directory=$1 temporary=$2
while read -r line; do pid=$line; done
if [ "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
  tries=200
  while [ $tries -gt 0 ] && [ -e "$directory/data/postmaster.pid" ] && kill -0 "$pid" 2>/dev/null; do
    sleep 0.05
    tries=$((tries - 1))
  done
fi
if [ "$temporary" ]; then rm -rf "$directory"; fi`;

/** A Postgres server of our own on loopback. It ends with us, however we end. */
export class EmbeddedPostgres {
  readonly #durable: boolean;
  readonly #checksums: boolean;
  readonly #sharedMemory: 'mmap' | 'posix';
  readonly #temporary: boolean;
  readonly #directory: string;
  readonly #keeper: ChildProcess;
  #programs!: PostgresPrograms;
  #port = 0;
  #server: ChildProcess | undefined;
  /** Of the one that it follows until it is promoted. */
  readonly #primaryUrl: string | undefined;

  private constructor(options: Options) {
    const { durable = false, checksums = true, sharedMemory = 'mmap', directory, primary } = options;
    this.#primaryUrl = primary?.url;
    this.#durable = durable;
    this.#checksums = checksums;
    this.#sharedMemory = sharedMemory;
    this.#temporary = directory === undefined;
    this.#directory = directory ?? mkdtempSync(join(tmpdir(), 'frontrunner-postgres-'));
    // In a session of its own, as the server is: Ctrl+C in a terminal is for us alone.
    this.#keeper = spawn('sh', ['-c', KEEPER, 'sh', this.#directory, this.#temporary ? 'temporary' : ''], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  }

  /** Starts one, and resolves when it takes connections. */
  static async start(options: Options = {}): Promise<EmbeddedPostgres> {
    const postgres = new EmbeddedPostgres(options);
    try {
      mkdirSync(postgres.#directory, { recursive: true });
      postgres.#programs = postgresPrograms(postgres.#directory);
      if (options.primary) await postgres.#copy(options.primary);
      else if (!existsSync(join(postgres.#data, 'PG_VERSION'))) await postgres.#create();
      for (let attempt = 1; ; attempt += 1)
        try {
          postgres.#port = await freePort();
          await postgres.start();
          return postgres;
        } catch (error) {
          if (attempt === ATTEMPTS || !String(error).includes(IN_USE)) throw error;
        }
    } catch (error) {
      await postgres.stop();
      throw error;
    }
  }

  /** Its database `postgres`, by its superuser. */
  get url(): string {
    return `postgres://postgres:${readFileSync(this.#passwordFile, 'utf8')}@127.0.0.1:${this.#port}/postgres`;
  }

  /** Of the process that the others are children of. Undefined while it is killed. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** Starts it again where it was, after a kill. */
  async start(): Promise<void> {
    const server = this.#run(this.#programs.postgres, [
      ...['-D', this.#data, '-h', '127.0.0.1', '-p', String(this.#port), '-k', '', '-N', '200'],
      ...['-c', `dynamic_shared_memory_type=${this.#sharedMemory}`],
      ...(this.#durable ? [] : ['-F', '-c', 'full_page_writes=off']),
      ...(this.#primaryUrl === undefined ? [] : ['-c', `primary_conninfo=${this.#primaryUrl}`]),
    ]);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      let log = '';
      const read = (chunk: Buffer): void => {
        log += chunk.toString();
        if (!/ready to accept (read-only )?connections/.test(log)) return;
        server.stderr!.off('data', read).resume();
        resolve();
      };
      server.stderr!.on('data', read);
      server.once('error', reject);
      server.once('close', () => {
        this.#server = undefined;
        reject(new Error(`Postgres ended before it was ready:\n${log}`));
      });
    });
  }

  /** Ends it as for good and starts it again where it was; its clients lose their connections. */
  async restart(): Promise<void> {
    await this.#end('SIGINT');
    await this.start();
  }

  /** Ends it as the end of its machine would, but for what the disk has; resolves when no process of it is left. */
  async kill(): Promise<void> {
    const children = this.#server ? childrenOf(this.#server.pid!) : [];
    await this.#end('SIGKILL', children);
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    await this.#end('SIGINT');
    this.#keeper.stdin!.end();
    if (this.#keeper.exitCode === null) await once(this.#keeper, 'exit');
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  get #passwordFile(): string {
    return join(this.#directory, 'password');
  }

  /** Copies what another one has while that runs, as a base backup does. */
  async #copy(primary: EmbeddedPostgres): Promise<void> {
    const client = new Client(primary.url);
    await client.connect();
    try {
      await client.query("SELECT pg_backup_start('standby', true)");
      for (const name of ['data', 'password'])
        // Temporary files may go meanwhile.
        spawnSync('cp', ['-a', join(primary.#directory, name), join(this.#directory, name)]);
      const { rows } = await client.query<{ label: string }>(
        'SELECT labelfile AS label FROM pg_backup_stop(false)',
      );
      writeFileSync(join(this.#data, 'backup_label'), rows[0]!.label);
    } finally {
      await client.end();
    }
    rmSync(join(this.#data, 'postmaster.pid'), { force: true });
    writeFileSync(join(this.#data, 'standby.signal'), '');
    const { user } = this.#programs;
    const owned = [this.#directory, join(this.#data, 'backup_label'), join(this.#data, 'standby.signal')];
    if (user) for (const path of owned) chownSync(path, user.uid, user.gid);
  }

  async #create(): Promise<void> {
    const { user, initdb } = this.#programs;
    writeFileSync(this.#passwordFile, randomUUID(), { mode: 0o600 });
    mkdirSync(this.#data, { recursive: true });
    const owned = [this.#data, this.#passwordFile, ...(this.#temporary ? [this.#directory] : [])];
    if (user) for (const path of owned) chownSync(path, user.uid, user.gid);
    const child = this.#run(initdb, [
      ...['-D', this.#data, '--username', 'postgres', '--pwfile', this.#passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-instructions'],
      ...(this.#durable ? [] : ['--no-sync']),
      ...(this.#checksums ? [] : ['--no-data-checksums']),
    ]);
    let complaints = '';
    child.stderr!.on('data', (chunk) => (complaints += String(chunk)));
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`initdb failed:\n${complaints}`);
  }

  #run(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, {
      ...this.#programs.user,
      cwd: this.#directory,
      detached: true,
      // With a time zone given, initdb needn't look for the machine's.
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#keep(child.pid);
    child.once('close', () => this.#keep());
    return child;
  }

  /** All of its processes have its standard error: that closes with the last of them. */
  async #end(signal: NodeJS.Signals, children: readonly number[] = []): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const closed = once(server, 'close');
    server.kill(signal);
    for (const child of children) killIfThere(child);
    await closed;
  }

  #keep(pid: number | '' = ''): void {
    this.#keeper.stdin!.write(`${pid}\n`);
  }
}

function childrenOf(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'ppid=', '-o', 'pid='], { encoding: 'utf8' });
  const processes = table.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return processes.flatMap(([parent, child]) => (parent === pid ? [child!] : []));
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
