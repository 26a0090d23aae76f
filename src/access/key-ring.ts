import { timingSafeEqual } from 'node:crypto';
import { bulkhead } from 'cockatiel';
import { matchesScrypt, parseScrypt, sha256 } from './key-hash.js';
import { clientIdOf, type KeyEntry } from './keys-file.js';
import type { Scope } from './scope.js';

/** How many keys may wait for their scrypt check. Only one check runs at a time, so wrong keys occupy one core at most. */
const MAX_WAITING = 100;

/** A caller that has presented its key. */
export interface Client {
  readonly name: string;
  /** Differs from the ids of earlier callers with the same name. */
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
}

interface HeldKey {
  readonly client: Client;
  /** The SHA-256 of the key. If the file has only the scrypt hash, this is known from the first match on. */
  digest: Buffer | undefined;
  readonly scrypt: ReturnType<typeof parseScrypt>;
}

/** The valid API keys. Finds the owner of a presented key. */
export class KeyRing {
  private keys: readonly HeldKey[] = [];
  private clients: ReadonlyMap<string, Client> = new Map();
  private readonly checks = new Map<string, Promise<Client | undefined>>();
  private readonly oneByOne = bulkhead(1, MAX_WAITING);

  constructor(entries: readonly KeyEntry[]) {
    this.replace(entries);
  }

  /** Replaces all valid keys. */
  replace(entries: readonly KeyEntry[]): void {
    const digests = new Map(this.keys.map(({ client, digest }) => [client.id, digest]));
    this.keys = entries.map((entry) => {
      const id = clientIdOf(entry);
      return {
        client: { name: entry.name, id, scopes: new Set(entry.scopes) },
        digest: entry.sha256 === undefined ? digests.get(id) : Buffer.from(entry.sha256, 'hex'),
        scrypt: parseScrypt(entry.scrypt ?? ''),
      };
    });
    this.clients = new Map(this.keys.map(({ client }) => [client.name, client]));
    // Checks under way may be for keys that are no longer valid.
    this.checks.clear();
  }

  get size(): number {
    return this.keys.length;
  }

  /** The client with that name. */
  client(name: string): Client | undefined {
    return this.clients.get(name);
  }

  /** The client with that id; undefined when its key was removed or replaced. */
  clientOfId(id: string): Client | undefined {
    const client = this.clients.get(id.split(':', 1)[0] ?? '');
    return client?.id === id ? client : undefined;
  }

  /** The owner of a key, found by SHA-256. Takes the same time for every key, known or not. */
  find(key: string): Client | undefined {
    const digest = sha256(key);
    let found: Client | undefined;
    for (const held of this.keys) {
      if (held.digest && timingSafeEqual(digest, held.digest)) found = held.client;
    }
    return found;
  }

  /**
   * The owner of a key that {@link find} doesn't find, found by scrypt. After a match, `find` finds the key too.
   *
   * @returns undefined when nobody owns the key
   * @throws {BulkheadRejectedError} of cockatiel, when too many keys wait for this
   */
  async findSlowly(key: string): Promise<Client | undefined> {
    const slow = this.keys.filter((held) => held.scrypt && !held.digest);
    if (slow.length === 0) return undefined;
    const digest = sha256(key).toString('hex');
    const going = this.checks.get(digest);
    if (going) return going;
    const check = this.oneByOne.execute(() => firstMatch(key, slow));
    this.checks.set(digest, check);
    try {
      return await check;
    } finally {
      if (this.checks.get(digest) === check) this.checks.delete(digest);
    }
  }
}

async function firstMatch(key: string, candidates: readonly HeldKey[]): Promise<Client | undefined> {
  for (const held of candidates) {
    if (!held.scrypt || !(await matchesScrypt(key, held.scrypt))) continue;
    held.digest = sha256(key);
    return held.client;
  }
  return undefined;
}
