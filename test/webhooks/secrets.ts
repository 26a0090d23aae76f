import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** A secret as Standard Webhooks has it. */
export function randomSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

interface Secret {
  readonly webhook: Webhook;
  /** Whether the service is known to sign with it. */
  sure: boolean;
}

interface Secrets {
  /** The newest first. */
  readonly known: Secret[];
  /** Those that must have signed, from a life of the service on. */
  required: { readonly webhooks: readonly Webhook[]; readonly afterLife: number };
}

/** The secrets of all webhooks, by their tokens, and what the reference library says of signatures. */
export class SecretRing {
  readonly #secrets = new Map<string, Secrets>();

  /** All of them sign, from the first delivery. */
  add(token: string, secrets: readonly string[]): void {
    const known = secrets.map((secret) => ({ webhook: new Webhook(secret), sure: true }));
    const webhooks = known.map(({ webhook }) => webhook);
    this.#secrets.set(token, { known, required: { webhooks, afterLife: -1 } });
  }

  /**
   * Lets a secret sign beside the one before it, as soon as the service does it.
   *
   * @returns what is called once the service has said so, with the number of its life: from the next life on both must sign
   */
  rotate(token: string, secret: string): (life: number) => void {
    const secrets = this.#secrets.get(token);
    if (!secrets) throw new Error(`There is no webhook ${token}`);
    const added: Secret = { webhook: new Webhook(secret), sure: false };
    secrets.known.unshift(added);
    secrets.required = { webhooks: [], afterLife: -1 };
    return (life) => {
      added.sure = true;
      const [, before] = secrets.known;
      secrets.required = {
        webhooks: [added, ...(before?.sure === true ? [before] : [])].map(({ webhook }) => webhook),
        afterLife: life,
      };
    };
  }

  /** What is wrong with the signature of a delivery; undefined when nothing is. */
  mistake(token: string, life: number, headers: Record<string, string>, body: string): string | undefined {
    const secrets = this.#secrets.get(token);
    if (!secrets) return 'no webhook is known by that name';
    const { known, required } = secrets;
    const must = life > required.afterLife ? required.webhooks : [];
    const mistakes = new Map(known.map(({ webhook }) => [webhook, mistakeBy(webhook, headers, body)]));
    const [any] = mistakes.values();
    if (![...mistakes.values()].includes(undefined)) return any;
    const missing = must.find((webhook) => mistakes.get(webhook) !== undefined);
    return (
      missing && `one of its ${String(must.length)} secrets has not signed: ${String(mistakes.get(missing))}`
    );
  }
}

function mistakeBy(webhook: Webhook, headers: Record<string, string>, body: string): string | undefined {
  try {
    webhook.verify(body, headers, { jsonParse: false });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
