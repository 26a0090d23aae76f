import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { AccessError } from './access/access-error.js';
import { readArguments } from './command-line/arguments.js';
import { ConfigError } from './config/config.js';
import { EnvFileError } from './config/env-file.js';
import { DatabaseError } from './journal/database-error.js';
import { explain } from './start-error.js';
import { TaskDeclarationError } from './tasks/declared.js';
import { TasksFileError } from './tasks-file/mistake.js';

/** What Node says of an address that it is to listen on, and can’t. */
async function refusal(port: number, host: string): Promise<unknown> {
  const server = createServer().listen(port, host);
  const [error] = (await once(server, 'error')) as [unknown];
  return error;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

describe('what is said of a start that is refused', () => {
  test.each([
    new AccessError('no keys'),
    new ConfigError(['PORT is wrong']),
    new EnvFileError('The file .env can’t be read'),
    new DatabaseError('runs.db', 'is in use'),
    new TaskDeclarationError('Task has no name'),
    new TasksFileError(['tasks.yaml:1:1: is wrong']),
  ])('is no more than the message of a $name, which says what to do', (error) => {
    expect(explain(error)).toBe(error.message);
  });

  test('names the PORT that another process has', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    expect(explain(await refusal(port, '127.0.0.1'))).toBe(
      `PORT ${port} on 127.0.0.1 is taken by another process; set another PORT`,
    );
    await close(other);
  });

  test('names a HOST that is no address of the machine', async () => {
    expect(explain(await refusal(0, '192.0.2.1'))).toBe(
      'HOST is no address of this machine (EADDRNOTAVAIL); set HOST to one that is',
    );
  });

  test.each([
    ['ENOTFOUND', 'HOST is no address of this machine (ENOTFOUND); set HOST to one that is'],
    ['EACCES', 'PORT 80 needs more rights than this process has; set a PORT from 1024'],
  ])('has the mend of %s', (code, text) => {
    expect(explain(Object.assign(new Error('listen'), { code, port: 80 }))).toBe(text);
  });

  test.each(['--port=1', 'start'])('points to --help for an argument that there is not: %s', (argument) => {
    const read = () => readArguments([argument]);
    expect(read).toThrow(argument.split('=')[0]);
    let text = '';
    try {
      read();
    } catch (error) {
      text = explain(error);
    }
    expect(text).toContain(argument.split('=')[0]);
    expect(text).toMatch(/\nnpm start -- --help says what there is$/);
    expect(text).not.toMatch(/\n\s+at /);
  });

  test('has a stack trace when nobody knows the mend, and takes whatever is thrown', () => {
    expect(explain(new Error('by chance'))).toMatch(/^Error: by chance\n\s+at /);
    expect(explain(undefined)).toBe('undefined');
    expect(explain('a text')).toBe('a text');
  });
});

describe('readArguments', () => {
  test.each(['--help', '-h'])('knows %s', (option) => {
    expect(readArguments([option])).toEqual({ help: true });
  });

  test('starts the service without any', () => {
    expect(readArguments([])).toEqual({ help: false });
  });
});
