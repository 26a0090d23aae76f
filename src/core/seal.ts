import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 4;

/** A sealed text can't be opened. Its key is not among the keys, or the text is damaged. */
export class SealError extends Error {
  constructor() {
    super(
      'A secret can’t be opened with the keys of SECRETS_KEY: it was sealed with another one; put that behind the first',
    );
    this.name = 'SealError';
  }
}

/** Encrypts secrets before they are stored, with AES-256-GCM (NIST SP 800-38D). */
export class Seal {
  /** A `#` field, so that printing the object doesn't show the keys. */
  readonly #keys: readonly { readonly id: Buffer; readonly key: Buffer }[];

  /** @param keys 32 bytes each. The first key seals. Each key opens what it has sealed. Empty: nothing can be sealed. */
  constructor(keys: readonly Buffer[]) {
    this.#keys = keys.map((key) => ({
      key,
      id: createHash('sha256').update(key).digest().subarray(0, ID_BYTES),
    }));
  }

  get canSeal(): boolean {
    return this.#keys.length > 0;
  }

  /** Base64 of the key’s id, the nonce, the tag and the sealed text. */
  seal(text: string): string {
    const [first] = this.#keys;
    if (!first) throw new Error('There is no key to seal with');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', first.key, nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([first.id, nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** @throws {SealError} */
  open(sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    const [id, nonce, tag, text] = split(bytes, ID_BYTES, NONCE_BYTES, TAG_BYTES);
    const key = this.#keys.find((one) => one.id.equals(id))?.key;
    if (!key) throw new SealError();
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAuthTag(
        tag,
      );
      return decipher.update(text, undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new SealError();
    }
  }
}

function split(bytes: Buffer, ...lengths: [number, number, number]): [Buffer, Buffer, Buffer, Buffer] {
  const [one, two, three] = lengths;
  return [
    bytes.subarray(0, one),
    bytes.subarray(one, one + two),
    bytes.subarray(one + two, one + two + three),
    bytes.subarray(one + two + three),
  ];
}
