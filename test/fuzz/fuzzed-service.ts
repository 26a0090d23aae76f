import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { LoopDelay } from '../support/loop-delay.ts';
import { ServiceProcess } from '../support/service-process.js';
import { Contract, type Operation } from './contract.ts';
import { exchange } from './exchange.ts';
import type { KnownValues } from './valid-requests.ts';
import { verdict } from './verdict.ts';
import type { WireRequest } from './wire-request.ts';

const PROBE = fileURLToPath(new URL('../support/loop-delay.ts', import.meta.url));

/** Of how many runs, and webhooks, requests know the ids: some of them erase one. */
const RUNS = 50;

/** Webhooks that requests make are told of their runs, but nothing leaves this machine. */
const OF_WEBHOOKS = {
  SECRETS_KEY: Buffer.alloc(32).toString('base64'),
  HTTPS_PROXY: 'http://127.0.0.1:9',
};

/** The built service as a process, held to its own OpenAPI document with every request. */
export class FuzzedService {
  /** How often requests of a kind were answered with a status, by `valid 200` for example. */
  readonly tally = new Map<string, number>();
  private readonly succeeded = new Set<Operation>();

  private constructor(
    private process: ServiceProcess,
    private readonly env: Readonly<Record<string, string>>,
    readonly contract: Contract,
    readonly known: KnownValues,
  ) {}

  /** @param tasksFile has a task `chat` for clients of OpenAI */
  static async start(databaseUrl: string, tasksFile: string): Promise<FuzzedService> {
    const env = {
      ...{ DATABASE_URL: databaseUrl, TASKS_FILE: tasksFile, DEMO_TIME_SCALE: '0.001', MAX_WAIT: '100ms' },
      ...OF_WEBHOOKS,
    };
    const process = await ServiceProcess.start({ probe: PROBE, env });
    const document = await process.http.get('/openapi.json').expect(200);
    const contract = new Contract(document.body as ConstructorParameters<typeof Contract>[0]);
    const ids: string[] = [];
    while (ids.length < RUNS) {
      const run = await process.http.get('/run-tasks').expect(200);
      ids.push(contract.parameters(run.get('Location')!).id!);
    }
    const webhookIds: string[] = [];
    while (webhookIds.length < RUNS) {
      const webhook = { url: 'https://hooks.example.com', events: ['run.reopened'] };
      const made = await process.http.post('/webhooks').send(webhook).expect(201);
      webhookIds.push(contract.parameters(made.get('Location')!).webhookId!);
    }
    return new FuzzedService(process, env, contract, { id: ids, webhookId: webhookIds });
  }

  /** Sends a request, and rejects when the answer isn't what the document promises, or the process has ended. */
  async send(request: WireRequest): Promise<void> {
    // Only where fast-check looks for a smaller request that ends the process.
    if (this.process.ended) this.process = await ServiceProcess.start({ probe: PROBE, env: this.env });
    try {
      const answer = await exchange(this.process.url, request);
      if (!answer) await this.proveAlive();
      const mistake = verdict(this.contract, request, answer);
      if (mistake !== undefined)
        throw new Error(`${mistake}: ${JSON.stringify(answer ?? 'nothing').slice(0, 2_000)}`);
      this.count(request, answer?.status);
    } catch (error) {
      throw new Error(`${fc.stringify(request)}\n${(error as Error).message}`, { cause: error });
    }
  }

  /** Deletes all webhooks that requests have made, so that requests are not charged with deliveries. */
  async deleteWebhooks(): Promise<void> {
    for (;;) {
      const page = await this.process.http.get('/webhooks?limit=100').expect(200);
      const { webhooks } = page.body as { readonly webhooks: readonly { readonly id: string }[] };
      if (webhooks.length === 0) return;
      for (const { id } of webhooks) await this.process.http.delete(`/webhooks/${id}`).expect(204);
    }
  }

  /** How late its event loop was; one may ask at a time. */
  async loopDelay(): Promise<LoopDelay> {
    return (await this.process.ask('loop delay')) as LoopDelay;
  }

  /** What it logged that a request should never make it log. */
  get errors(): string[] {
    // Deliveries that are given up are the doing of the webhooks that requests have made.
    return this.process.lines
      .filter(({ level, context }) => level >= 50 && context !== 'webhook')
      .map(({ msg }) => msg);
  }

  /** The operations that should have answered with success sooner or later, and never did. */
  withoutSuccess(): string[] {
    return this.contract.operations
      .filter((operation) => operation.method === 'GET' || operation.requestBody)
      .filter((operation) => !this.succeeded.has(operation))
      .map(({ method, path }) => `${method} ${path}`);
  }

  /** Asks it to stop; resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null> {
    return this.process.stop(signal);
  }

  private async proveAlive(): Promise<void> {
    try {
      await this.process.http.get('/health/live').expect(200);
    } catch (error) {
      await this.process.stop('SIGKILL');
      throw new Error('The process ended', { cause: error });
    }
  }

  private count(request: WireRequest, status: number | undefined): void {
    const key = `${request.kind} ${status ?? 'closed'}`;
    this.tally.set(key, (this.tally.get(key) ?? 0) + 1);
    if (status === undefined || status >= 400 || !request.line) return;
    const operation = this.contract.operation(request.line.method, request.line.path);
    if (operation) this.succeeded.add(operation);
  }
}
