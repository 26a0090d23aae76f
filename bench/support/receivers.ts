import { randomBytes } from 'node:crypto';
import type { ServerSpec } from '../servers/server-spec.ts';
import { Companion } from './companion.ts';
import { LIVE_PATH, type Received } from './receivers-protocol.ts';
import type { ServerProcess } from './server-process.ts';
import type { Stage } from './stage.ts';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

/** Nothing listens there, and the system gives it to nobody. */
const REFUSING_PORT = 9;

/** The bench's side of the process that receives deliveries. */
export class Receivers {
  readonly #process: Companion<object, Received>;
  #first: Received | undefined;

  constructor(stage: Stage, core: number | undefined) {
    this.#process = new Companion(stage, new URL('receivers-process.ts', import.meta.url), core, [SECRET]);
  }

  /** What has come since it was last asked. */
  async lap(): Promise<Received> {
    const received = await this.#process.ask({});
    this.#first ??= received;
    return received;
  }

  /** A receiver of its own for each name. */
  async live(name: string): Promise<string> {
    return `http://127.0.0.1:${(await this.#ports()).port}${LIVE_PATH}${name}`;
  }

  /** One whose deliveries aren't counted. */
  async answering(): Promise<string> {
    return `http://127.0.0.1:${(await this.#ports()).port}/uncounted`;
  }

  async hanging(): Promise<string> {
    return `http://127.0.0.1:${(await this.#ports()).hangingPort}/`;
  }

  refusing(): string {
    return `http://127.0.0.1:${REFUSING_PORT}/`;
  }

  /** A server that may deliver to all of them. */
  async allowedBy(spec: ServerSpec): Promise<ServerSpec> {
    const urls = [await this.live(''), await this.hanging(), this.refusing()];
    const env = {
      SECRETS_KEY: randomBytes(32).toString('base64'),
      WEBHOOK_SECRET: SECRET,
      WEBHOOK_ORIGINS: urls.map((url) => new URL(url).origin).join(),
    };
    return { ...spec, env: { ...spec.env, ...env } };
  }

  async #ports(): Promise<Received> {
    return this.#first ?? (await this.lap());
  }
}

/** Makes a webhook of the API. */
export async function subscribe(
  { origin }: ServerProcess,
  webhook: { readonly url: string; readonly events?: readonly string[] },
): Promise<void> {
  const answer = await fetch(`${origin}/webhooks`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...webhook, secret: SECRET }),
  });
  if (answer.status !== 201)
    throw new Error(`POST /webhooks answers ${answer.status}: ${await answer.text()}`);
}
