/** `frontrunner keys`: makes, lists and revokes API keys. */
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { environmentOf, runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { AccessError } from './access-error.js';
import { generateKey, KEY_FORM, scryptText, sha256 } from './key-hash.js';
import { changeKeys, readKeys, type KeyEntry } from './keys-file.js';
import { SCOPES, type Scope } from './scope.js';

/** Least length of a chosen key, against guessing. */
const MIN_CHOSEN_LENGTH = 16;

const HINT = 'frontrunner keys --help says what there is';

const USAGE = `Usage: frontrunner keys create <name> --scope <scope> [--scope <scope>] [--stdin] [--file <path>]
       frontrunner keys list [--file <path>]
       frontrunner keys revoke <name> [--file <path>]

create  makes a key and writes it to standard output, this once: the file holds its hash alone.
list    shows the names and scopes of the keys.
revoke  takes a key out of the file.

  --scope  runs:write starts and changes runs, runs:read looks at them. Neither implies the other.
           runs:write:own and runs:read:own do so with the runs alone that the key itself has started.
           webhooks:write makes and changes webhooks (/webhooks) of the runs that runs:read or runs:read:own shows.
           admin looks after the nodes, and cancels and retries many runs at once (/admin).
           metrics:read reads /metrics.
  --stdin  Takes a key that you chose from standard input, and keeps its scrypt hash.
  --file   The file of the keys. Default: API_KEYS_FILE, which may be set in a file .env.

The service reads its keys when it starts, and again at SIGHUP.
`;

/** Executes the command. @returns the exit code */
export function manageKeys(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => manage(args, terminal), terminal, { hint: HINT, mendable: [AccessError] });
}

async function manage(args: readonly string[], terminal: Terminal): Promise<undefined> {
  const { values, positionals } = readArguments(args);
  const [command, name, ...rest] = positionals;
  if (values.help) {
    terminal.stdout.write(USAGE);
    return;
  }
  if (command === undefined) throw new UsageError(USAGE.trimEnd());
  const path = values.file ?? pathOfEnvironment(terminal);
  if (command === 'list' && name === undefined) list(path, terminal);
  else if (command === 'create' && name !== undefined && rest.length === 0)
    await create(path, name, values.scope.map(scopeOf), values.stdin, terminal);
  else if (command === 'revoke' && name !== undefined && rest.length === 0) revoke(path, name, terminal);
  else throw new UsageError(`It takes create <name>, list, or revoke <name>; ${HINT}`);
}

async function create(
  path: string,
  name: string,
  scopes: readonly Scope[],
  chosen: boolean,
  { stdin, stdout, stderr }: Terminal,
): Promise<void> {
  if (scopes.length === 0) throw new UsageError(`A key needs a --scope, or several: ${SCOPES.join(', ')}`);
  const key = chosen ? await readKey(stdin) : generateKey();
  const hash = chosen ? { scrypt: await scryptText(key) } : { sha256: sha256(key).toString('hex') };
  const entry: KeyEntry = {
    name,
    scopes: [...new Set(scopes)],
    ...hash,
    createdAt: new Date().toISOString(),
  };
  changeKeys(path, (keys) => {
    if (keys.some((other) => other.name === name))
      throw new UsageError(`${path} has a key ${name}; choose another name, or revoke it first`);
    return [...keys, entry];
  });
  if (!chosen) stdout.write(`${key}\n`);
  say(
    stderr,
    `The key ${name} is good for ${entry.scopes.join(' and ')} as soon as the service is started with API_KEYS_FILE=${path}`,
  );
  if (!chosen) say(stderr, 'It is shown this once. A caller sends it as Authorization: Bearer <key>');
}

function list(path: string, { stdout }: Terminal): void {
  for (const { name, scopes, createdAt = '' } of readKeys(path))
    stdout.write(`${name}\t${scopes.join(' ')}\t${createdAt}\n`);
}

function revoke(path: string, name: string, { stderr }: Terminal): void {
  changeKeys(path, (keys) => {
    const rest = keys.filter((key) => key.name !== name);
    if (rest.length === keys.length) throw new UsageError(`${path} has no key ${name}`);
    return rest;
  });
  say(stderr, `The key ${name} is refused as soon as the service is started again`);
}

function readArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scope: { type: 'string', multiple: true, default: [] },
      file: { type: 'string' },
      stdin: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

function pathOfEnvironment(terminal: Terminal): string {
  const path = environmentOf(terminal).API_KEYS_FILE;
  if (path === undefined || path === '' || path === 'none')
    throw new UsageError('Say which file holds the keys: --file <path>, or set API_KEYS_FILE');
  return path;
}

function scopeOf(text: string): Scope {
  const scope = SCOPES.find((known) => known === text);
  if (!scope) throw new UsageError(`There is no scope ${text}; --scope takes ${SCOPES.join(' or ')}`);
  return scope;
}

async function readKey(stdin: Terminal['stdin']): Promise<string> {
  const key = (await text(stdin as NodeJS.ReadableStream)).replace(/\r?\n$/, '');
  if (key.length < MIN_CHOSEN_LENGTH || !KEY_FORM.test(key))
    throw new UsageError(
      `A key has ${String(MIN_CHOSEN_LENGTH)} to 512 letters, digits and characters of -._~+/ (and may end in =)`,
    );
  return key;
}
