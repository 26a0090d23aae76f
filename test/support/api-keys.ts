import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKey, scryptText, sha256 } from '../../src/access/key-hash.js';
import { changeKeys, type KeyEntry } from '../../src/access/keys-file.js';
import type { Scope } from '../../src/access/scope.js';

/** A file of API keys, and the keys. */
export class ApiKeys {
  private readonly directory = mkdtempSync(join(tmpdir(), 'frontrunner-'));
  readonly path = join(this.directory, 'keys.json');

  /** Adds a key that was made at random, and returns it. */
  create(name: string, ...scopes: Scope[]): string {
    const key = generateKey();
    this.add({ name, scopes, sha256: sha256(key).toString('hex') });
    return key;
  }

  /** Adds a key that somebody chose. */
  async choose(key: string, name: string, ...scopes: Scope[]): Promise<void> {
    this.add({ name, scopes, scrypt: await scryptText(key) });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  private add(entry: KeyEntry): void {
    changeKeys(this.path, (keys) => [...keys, entry]);
  }
}
