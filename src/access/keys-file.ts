import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { AccessError } from './access-error.js';
import { parseScrypt, sha256 } from './key-hash.js';
import { SCOPES } from './scope.js';

/** Most keys in a file. A presented key is compared with each: a thousand take about 50 µs for each request. */
const MAX_KEYS = 1_000;

const entrySchema = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
      error: 'takes 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first',
    }),
    scopes: z
      .array(z.enum(SCOPES, { error: `takes ${SCOPES.join(' or ')}` }))
      .min(1, { error: `takes at least one of ${SCOPES.join(', ')}` }),
    /** The hash of a generated key. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, { error: 'takes 64 hexadecimal digits in lower case' })
      .optional(),
    /** The hash of a key that a person chose. */
    scrypt: z
      .string()
      .refine((text) => parseScrypt(text) !== undefined, {
        error: 'takes $scrypt$ln=15,r=8,p=3$<salt>$<hash>, at a cost of at most 128 MiB',
      })
      .optional(),
    createdAt: z.iso.datetime({ error: 'takes a time such as 2026-01-31T12:00:00Z' }).optional(),
  })
  .refine(({ sha256, scrypt }) => (sha256 === undefined) !== (scrypt === undefined), {
    error: 'has either sha256 or scrypt',
  });

const fileSchema = z.strictObject({
  keys: z.array(entrySchema).max(MAX_KEYS, { error: `takes at most ${String(MAX_KEYS)} keys` }),
});

/** An API key as the file has it. */
export type KeyEntry = z.infer<typeof entrySchema>;

/**
 * The id of a key's owner: its name, and the beginning of the key's hash. A name that is given to a new key is another client. It neither
 * sees the runs of the former one nor finds them by its idempotency keys.
 */
export function clientIdOf({ name, sha256: hash, scrypt }: KeyEntry): string {
  return `${name}:${sha256(hash ?? scrypt ?? '').toString('hex', 0, 6)}`;
}

/** Reads a file of API keys. @throws {AccessError} that names the file, each wrong entry and how to correct it */
export function readKeys(path: string): KeyEntry[] {
  return checked(path, readJson(path));
}

/** A warning for the operator when all users of the machine can read or change a file of API keys; undefined otherwise. */
export function exposureOfFile(path: string): string | undefined {
  const { mode } = statSync(path);
  // Windows has no such rights; Node invents them there.
  if ((mode & 0o006) === 0 || process.platform === 'win32') return undefined;
  const can = (mode & 0o002) === 0 ? 'read' : 'change';
  return `Every user of this machine can ${can} API_KEYS_FILE ${path}; take that right away: chmod o= ${path}`;
}

/**
 * Replaces a file of API keys atomically: readers find either the old keys or the new ones. Only the file's owner can read it.
 *
 * @throws {AccessError} when somebody else is changing it, when it can't be written, or when an entry is wrong
 */
export function changeKeys(path: string, change: (keys: readonly KeyEntry[]) => readonly KeyEntry[]): void {
  const next = `${path}.new`;
  const descriptor = attempt(path, () => openSync(next, 'wx', 0o600));
  try {
    const keys = checked(path, { keys: change(existsSync(path) ? readKeys(path) : []) });
    attempt(path, () => {
      writeFileSync(descriptor, `${JSON.stringify({ keys }, null, 2)}\n`);
      fsyncSync(descriptor);
      renameSync(next, path);
    });
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function checked(path: string, content: unknown): KeyEntry[] {
  const { data, error } = fileSchema.safeParse(content);
  const flaws = error?.issues.map((issue) => `${placeOf(issue.path, content)}: ${issue.message}`);
  const repeated = data ? repeatedIn(data.keys) : [];
  if (data && repeated.length === 0) return data.keys;
  throw new AccessError(
    [
      `The API keys in ${path} are wrong:`,
      ...(flaws ?? repeated).map((flaw) => `  ${flaw}`),
      'Mend what is named, or take it out and make a new key: frontrunner keys --help',
    ].join('\n'),
  );
}

function readJson(path: string): unknown {
  const text = attempt(path, () => readFileSync(path, 'utf8'));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AccessError(`The API keys in ${path} are no JSON: ${(error as Error).message}`);
  }
}

/** Does something with the file, and explains errors of the system. */
function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const mends: Partial<Record<string, string>> = {
      ENOENT: existsSync(dirname(path))
        ? `there is no such file; make a key with: frontrunner keys create <name> --scope runs:write --scope runs:read --file ${path}`
        : `there is no directory ${dirname(path)}; make it first`,
      EEXIST: `they are being changed at this moment; if not, remove ${path}.new`,
      EACCES: `the service’s user has no right to it; give it that, or set another file`,
      EISDIR: 'this is a directory; set a file',
    };
    throw new AccessError(`The API keys in ${path}: ${mends[code] ?? message}`);
  }
}

/** The place of a mistake in the file, such as `keys[1] ("ci").scopes`. */
function placeOf(path: readonly PropertyKey[], content: unknown): string {
  const [, index] = path;
  if (typeof index !== 'number') return path.join('.') || 'the file';
  const name = (content as { keys: readonly { name?: unknown }[] }).keys[index]?.name;
  const entry = `keys[${String(index)}]${typeof name === 'string' ? ` (${JSON.stringify(name.slice(0, 64))})` : ''}`;
  return [entry, ...path.slice(2)].map(String).join('.');
}

/** Names and hashes that several entries share. A caller must match a single entry. */
function repeatedIn(keys: readonly KeyEntry[]): string[] {
  const seen = new Set<string>();
  return keys.flatMap(({ name, sha256, scrypt }, index) => {
    const own = [`name ${name}`, `hash ${sha256 ?? scrypt ?? ''}`];
    const flaws = own
      .filter((text) => seen.has(text))
      .map((text) => `keys[${String(index)}] (${JSON.stringify(name)}): another entry has the ${text}`);
    for (const text of own) seen.add(text);
    return flaws;
  });
}
