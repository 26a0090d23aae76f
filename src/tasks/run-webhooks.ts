import { Injectable, type OnModuleInit } from '@nestjs/common';
import { invalidRequest } from '../core/domain-error.js';
import { deepFreeze } from '../core/json.js';
import { Seal } from '../core/seal.js';
import type { DeclaredWebhook, TaskDefinition } from '../core/task.js';
import { WebhookMeans } from '../core/webhook-means.js';
import {
  MOST_WEBHOOKS_OF_RUN,
  type RunWebhook,
  type SealedSecret,
  type WebhookTarget,
} from '../core/webhook.schema.js';
import { Journal } from '../run/journal.js';
import { newWebhook, WEBHOOKS_OF_RUNS } from '../run/webhook-keeping.js';
import { TaskDeclarationError } from './declared.js';
import { TaskRegistry } from './task-registry.js';
import type { webhookFlaws } from './webhook-flaws.js';

/** Most sealed secrets that are remembered. */
const MOST_SEALED = 1_000;

/** Makes the list of a run's own webhooks: those of its task, then those of its request. */
@Injectable()
export class RunWebhooks implements OnModuleInit {
  /** The webhooks of each task, sealed once for all its runs. */
  private readonly ofTasks = new WeakMap<TaskDefinition, readonly WebhookTarget[]>();
  /** Sealed texts by secret, as callers name the same secrets again and again. A `#` field, so that printing doesn't show the secrets. */
  readonly #sealed = new Map<string, readonly SealedSecret[]>();
  /** Loaded when a request first names webhooks. */
  private flawsOf: typeof webhookFlaws | undefined;
  private added: Promise<void> | undefined;

  constructor(
    private readonly registry: TaskRegistry,
    private readonly seal: Seal,
    private readonly journal: Journal,
    private readonly means: WebhookMeans,
  ) {}

  /** @throws {TaskDeclarationError} for a task with a webhook that events can't be sent to */
  async onModuleInit(): Promise<void> {
    for (const { name, webhooks } of this.registry.all()) {
      if (!webhooks) continue;
      const { declarationFlaws } = await import('./webhook-flaws.js');
      for (const [index, webhook] of webhooks.entries())
        for (const { member, detail } of declarationFlaws(webhook, this.means))
          throw new TaskDeclarationError(`webhooks[${index}].${member} of the task ${name} ${detail}`);
    }
  }

  /**
   * The webhooks of a new run; undefined where there are none. From the first such run on, the log is read for webhooks of runs.
   *
   * @throws {DomainError} `invalid-request`, with a JSON Pointer to each error; `journal-unavailable`
   */
  async register(
    task: TaskDefinition,
    named: readonly RunWebhook[] = [],
  ): Promise<readonly WebhookTarget[] | undefined> {
    const ofTask = this.ofTask(task);
    if (ofTask.length + named.length === 0) return undefined;
    await this.check(task, named);
    await this.addOnce();
    return named.length === 0 ? ofTask : deepFreeze([...ofTask, ...named.map((one) => this.target(one))]);
  }

  private ofTask(task: TaskDefinition): readonly WebhookTarget[] {
    let targets = this.ofTasks.get(task);
    if (!targets) {
      targets = deepFreeze((task.webhooks ?? []).map((webhook) => this.declared(webhook)));
      this.ofTasks.set(task, targets);
    }
    return targets;
  }

  private declared({ secret, allowPrivate, ...webhook }: DeclaredWebhook): WebhookTarget {
    const target = this.target({ ...webhook, ...(secret && { secret: secret.reveal() }) });
    return allowPrivate ? { ...target, allowPrivate } : target;
  }

  private target({ secret, ...webhook }: RunWebhook): WebhookTarget {
    return { ...webhook, secrets: secret === undefined ? [] : this.sealedOnce(secret) };
  }

  /** Seals each secret only once, so that the same secret has the same text. The sender opens each text once, and keeps the result. */
  private sealedOnce(secret: string): readonly SealedSecret[] {
    let sealed = this.#sealed.get(secret);
    if (sealed) return sealed;
    if (this.#sealed.size >= MOST_SEALED) this.#sealed.clear();
    this.#sealed.set(secret, (sealed = deepFreeze([{ sealed: this.seal.seal(secret) }])));
    return sealed;
  }

  private async check({ webhooks = [] }: TaskDefinition, named: readonly RunWebhook[]): Promise<void> {
    if (named.length === 0) return;
    const room = MOST_WEBHOOKS_OF_RUN - webhooks.length;
    if (named.length > room)
      throw invalidRequest([
        { pointer: '/webhooks', detail: `takes at most ${room}: the task has ${webhooks.length} of its own` },
      ]);
    // Kept, because `import()` takes tens of microseconds even for a loaded module.
    const flawsOf = (this.flawsOf ??= (await import('./webhook-flaws.js')).webhookFlaws);
    const errors = named.flatMap((webhook, index) =>
      flawsOf(webhook, this.means).map(({ member, detail }) => ({
        pointer: `/webhooks/${index}/${member}`,
        detail,
      })),
    );
    if (errors.length > 0) throw invalidRequest(errors);
  }

  /** Adds, once, the entry that stands for the webhooks of all runs. Its place in the log is before the first of these runs. */
  private async addOnce(): Promise<void> {
    this.added ??= this.add();
    try {
      await this.added;
    } catch (error) {
      this.added = undefined;
      throw error;
    }
  }

  private async add(): Promise<void> {
    const now = this.journal.now();
    const ofRuns = { id: WEBHOOKS_OF_RUNS, terms: '{}', client: null, createdAt: now };
    await this.journal.webhooks.add(newWebhook(ofRuns, this.journal.lastEventId, now));
  }
}
