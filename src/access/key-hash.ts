import { hash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** The characters of a bearer token (RFC 6750, section 2.1), with a bound on its length, because keys are hashed. */
export const KEY_FORM = /^[A-Za-z0-9\-._~+/]{1,512}={0,2}$/;

/** A new key: a prefix that secret scanners can find, and 256 random bits. */
export function generateKey(): string {
  return `fr_${randomBytes(32).toString('base64url')}`;
}

/** A fast hash is enough for a key of 256 random bits, which nobody can guess. */
export function sha256(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

/** The hash of a key that a person chose. It is slow to compute, and so slow to guess. */
interface ScryptHash {
  /** The cost: N = 2^ln, r and p as in RFC 7914. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** About 0.1 s and 32 MiB, one of the costs that OWASP's Password Storage Cheat Sheet recommends. */
const COST = { ln: 15, r: 8, p: 3 };
const MAX_COST = { memory: 128 * 2 ** 20, p: 16 };

const FORM =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/;

/** Reads `$scrypt$ln=15,r=8,p=3$<salt>$<hash>` (the PHC string format); undefined for anything else, or a cost out of bounds. */
export function parseScrypt(text: string): ScryptHash | undefined {
  const [, ln, r, p, salt = '', hash = ''] = FORM.exec(text) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const fits =
    cost.ln >= 1 &&
    cost.r >= 8 &&
    cost.p >= 1 &&
    cost.p <= MAX_COST.p &&
    128 * 2 ** cost.ln * cost.r <= MAX_COST.memory;
  return fits ? { ...cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') } : undefined;
}

/** The hash of a key, in the format that {@link parseScrypt} reads. */
export async function scryptText(key: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(key, { ...COST, salt, hash: Buffer.alloc(32) });
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$scrypt$ln=${String(COST.ln)},r=${String(COST.r)},p=${String(COST.p)}$${text(salt)}$${text(hash)}`;
}

/** Whether `expected` is the hash of `key`. The hash is computed off the event loop. */
export async function matchesScrypt(key: string, expected: ScryptHash): Promise<boolean> {
  return timingSafeEqual(await derive(key, expected), expected.hash);
}

function derive(key: string, { ln, r, p, salt, hash }: ScryptHash): Promise<Buffer> {
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    scrypt(key, salt, hash.length, { N, r, p, maxmem: 2 * MAX_COST.memory }, (error, derived) => {
      if (error) reject(error);
      else resolve(derived);
    });
  });
}
