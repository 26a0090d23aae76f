import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const GUIDE = new URL('../../docs/guide/behind-a-proxy.md', import.meta.url);
/** Debian’s place for it is not in everybody’s path. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin`;
const TRIES = 5;

/** Whether this machine has nginx. */
export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v'], { env: { PATH } }).error === undefined;
}

/** The nginx of the guide in front of a service, with all that it writes in a temporary directory. */
export class Nginx {
  private constructor(
    /** Where callers reach the service, with the prefix. */
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly directory: string,
  ) {}

  static async start(serviceUrl: string): Promise<Nginx> {
    const directory = mkdtempSync(join(tmpdir(), 'frontrunner-'));
    // Another process may take the port meanwhile.
    for (let tries = 1; ; tries += 1) {
      const port = await freePort();
      const child = launch(directory, configuration(serviceUrl, port, directory));
      if (await isUp(child)) return new Nginx(`http://127.0.0.1:${port}/frontrunner`, child, directory);
      if (tries === TRIES) throw new Error('nginx doesn’t start');
    }
  }

  /** What it has logged of requests, as soon as a text is there. */
  async logged(text: string): Promise<string> {
    for (;;) {
      const log = readFileSync(join(this.directory, 'access.log'), 'utf8');
      if (log.includes(text)) return log;
      await delay(20);
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
    rmSync(this.directory, { recursive: true });
  }
}

/** The guide’s, in a file that lets it run beside others and as any user. */
function configuration(serviceUrl: string, port: number, directory: string): string {
  const [, example = ''] = /```nginx\n(.*?)```/s.exec(readFileSync(GUIDE, 'utf8')) ?? [];
  const servers = example
    .replace('127.0.0.1:3000', new URL(serviceUrl).host)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace('/var/log/nginx/frontrunner.log', join(directory, 'access.log'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(directory, kind)};`,
  );
  return `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; pid ${join(directory, 'pid')}; error_log stderr notice; worker_processes 1;
events {}
http { ${temporary.join(' ')}
${servers} }`;
}

function launch(directory: string, text: string): ChildProcess {
  const path = join(directory, 'nginx.conf');
  writeFileSync(path, text);
  const args = ['-p', directory, '-c', path, '-e', 'stderr'];
  return spawn('nginx', args, { env: { PATH }, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Whether it has begun to take connections; not when it has ended. */
async function isUp({ stderr }: ChildProcess): Promise<boolean> {
  for await (const line of createInterface({ input: stderr! }))
    if (line.includes('start worker process ')) {
      stderr!.resume();
      return true;
    }
  return false;
}
