import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TokenKeeping } from '../run/token-keeping.js';

/** Tokens of one kind, signed with a secret that all nodes share. A token contains its claims, and nobody else can make one. */
export class SignedClaims<Claims extends readonly unknown[]> {
  private secret: Promise<string> | undefined;

  /** @param kind the kind of the tokens; tokens of other kinds are not accepted */
  constructor(
    private readonly kind: string,
    private readonly tokens: Pick<TokenKeeping, 'secret'>,
  ) {}

  /** @throws {DomainError} `journal-unavailable` */
  async write(claims: Claims): Promise<string> {
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${text}.${(await this.sign(text)).toString('base64url')}`;
  }

  /** The claims of a token; undefined for an invalid token. @throws {DomainError} `journal-unavailable` */
  async read(token: string): Promise<Claims | undefined> {
    const [text = '', signature = ''] = token.split('.', 2);
    const [given, expected] = [Buffer.from(signature, 'base64url'), await this.sign(text)];
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as Claims;
  }

  private async sign(text: string): Promise<Buffer> {
    this.secret ??= this.tokens.secret();
    try {
      return createHmac('sha256', await this.secret)
        .update(`${this.kind}.${text}`)
        .digest();
    } catch (error) {
      this.secret = undefined;
      throw error;
    }
  }
}
