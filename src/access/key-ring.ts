import { timingSafeEqual } from 'node:crypto';
import { bulkhead } from 'cockatiel';
import { matchesScrypt, parseScrypt, sha256 } from './key-hash.js';
import { clientIdOf, type KeyEntry } from './keys-file.js';
import type { Scope } from './scope.js';

/** How many keys may wait for their scrypt check. One at a time is in it, so that wrong keys take one core at most. */
const MAX_WAITING = 100;

/** A caller that has shown its key. */
export interface Client {
  readonly name: string;
  /** Other than that of every earlier caller of this name. */
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
}

interface HeldKey {
  readonly client: Client;
  /** The SHA-256 of the key; where the file has its scrypt hash alone, known as soon as that has matched. */
  digest: Buffer | undefined;
  readonly scrypt: ReturnType<typeof parseScrypt>;
}

/** The API keys that are good, and the check whether what a caller presents is one of them. */
export class KeyRing {
  private keys: readonly HeldKey[] = [];
  private clients: ReadonlyMap<string, Client> = new Map();
  private readonly checks = new Map<string, Promise<Client | undefined>>();
  private readonly oneByOne = bulkhead(1, MAX_WAITING);

  constructor(entries: readonly KeyEntry[]) {
    this.replace(entries);
  }

  /** Makes these the keys that are good, and no others. */
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
    // Those that are under way are of keys that may be good no more.
    this.checks.clear();
  }

  get size(): number {
    return this.keys.length;
  }

  /** The caller of that name. */
  client(name: string): Client | undefined {
    return this.clients.get(name);
  }

  /** The caller of that id; undefined when its key was taken away or replaced. */
  clientOfId(id: string): Client | undefined {
    const client = this.clients.get(id.split(':', 1)[0] ?? '');
    return client?.id === id ? client : undefined;
  }

  /** Whose key it is, as far as SHA-256 can tell; it takes as long whichever key it is, or none. */
  find(key: string): Client | undefined {
    const digest = sha256(key);
    let found: Client | undefined;
    for (const held of this.keys) {
      if (held.digest && timingSafeEqual(digest, held.digest)) found = held.client;
    }
    return found;
  }

  /**
   * Whose key it is, by scrypt, for one that {@link find} doesn't find. A key that has matched is found from then on.
   *
   * @returns undefined when it is nobody's
   * @throws {BulkheadRejectedError} cockatiel's, when too many wait for this
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
