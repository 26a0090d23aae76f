import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import ts from 'typescript';
import { findPython } from '../../bench/support/python.ts';
import { ROOT, compilerOptions } from './type-check.ts';

const EXAMPLES = join(ROOT, 'examples/receivers');

/** How an example of a receiver is started. */
export interface Program {
  readonly name: string;
  /** Undefined where this machine lacks what it takes. */
  readonly command: readonly string[] | undefined;
  readonly missing: string;
}

/** The four examples. */
export async function receiverPrograms(directory: string): Promise<Program[]> {
  const python = (await findPython())?.path;
  const express = [process.execPath, join(EXAMPLES, 'express.mjs')];
  return [
    { name: 'Express', command: express, missing: '' },
    { name: 'Nest', command: [process.execPath, compiledNest()], missing: '' },
    {
      name: 'FastAPI',
      command: python === undefined ? python : [python, join(EXAMPLES, 'fastapi_app.py')],
      missing: 'no Python has FastAPI (apt-get install python3-fastapi python3-uvicorn)',
    },
    { name: 'Go', command: compiledGo(directory), missing: 'there is no Go (apt-get install golang-go)' },
  ];
}

/** Node doesn't run decorators. The packages of the project must be found from where it is. */
function compiledNest(): string {
  const source = readFileSync(join(EXAMPLES, 'nest.ts'), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { ...compilerOptions(), module: ts.ModuleKind.ESNext },
    fileName: 'nest.ts',
  });
  const path = join(ROOT, 'dist/nest-receiver.js');
  writeFileSync(path, outputText);
  return path;
}

function compiledGo(directory: string): string[] | undefined {
  const program = join(directory, 'receiver');
  const env = { ...process.env, GOCACHE: join(directory, 'go-cache'), GOFLAGS: '-mod=mod' };
  const { error, status, stderr } = spawnSync('go', ['build', '-o', program, join(EXAMPLES, 'receiver.go')], {
    env,
    encoding: 'utf8',
  });
  if (error) return undefined;
  if (status !== 0) throw new Error(stderr);
  return [program];
}

/** A receiver as a process of its own, which listens. */
export class Receiver {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly inbox: string,
  ) {}

  /** @param inbox where it keeps what it has received: a path that it makes */
  static async start(
    [file = '', ...args]: readonly string[],
    secret: string,
    inbox: string,
  ): Promise<Receiver> {
    const child = spawn(file, args, {
      env: {
        PATH: process.env.PATH,
        WEBHOOK_SECRET: secret,
        INBOX: inbox,
        PORT: '0',
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Receiver(`${await listening(child)}/webhooks`, child, inbox);
  }

  /** The events that it has kept, by their ids. */
  kept(): Record<string, unknown> {
    const rows = statSync(this.inbox).isDirectory() ? filesOf(this.inbox) : rowsOf(this.inbox);
    return Object.fromEntries(rows.map(({ id, event }) => [id, JSON.parse(event)]));
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
  }
}

interface Row {
  readonly id: string;
  readonly event: string;
}

function filesOf(directory: string): Row[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return names.map((name) => ({ id: name.slice(0, -5), event: readFileSync(join(directory, name), 'utf8') }));
}

function rowsOf(file: string): Row[] {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  const rows = database.prepare('SELECT id, event FROM inbox').all() as unknown as Row[];
  database.close();
  return rows;
}

/** The origin that it says it listens at. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    for (const output of [child.stdout!, child.stderr!])
      createInterface({ input: output }).on('line', (line) => {
        said += `${line}\n`;
        const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
        if (origin !== undefined) resolve(origin);
      });
    child.once('close', () => reject(new Error(`Ended without listening:\n${said}`)));
  });
}
