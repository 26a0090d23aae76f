import type {
  INestApplicationContext,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { NestFactoryStatic } from '@nestjs/core/nest-factory.js';
import { DomainError } from '../core/domain-error.js';
import type { HostProviders } from '../core/host-providers.js';
import { stopRuns } from '../stop-runs.js';
import { Share } from './feature.js';
import type { HttpDoor } from './http-door.js';
import { InstanceModule } from './instance.module.js';
import { refuseMissing } from './missing-package.js';
import { NestedParts } from './nested-parts.js';
import { configOf, httpOptions, type FrontrunnerOptions } from './options.js';
import { partsUntil, type Parts } from './parts.js';
import { Readers } from './readers.js';

/**
 * An instance of Frontrunner within an application. It is a Nest application of its own, with its own configuration, events, tasks and
 * journal. So global pipes and the like of the outer application don't affect it, and one application can have several instances.
 */
export class Instance
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown
{
  /** The readers of the instance's events. */
  readonly readers = new Readers();
  private started: Promise<Started> | undefined;
  private parts: Promise<Parts> | undefined;
  private stopping: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private readonly closed = new AbortController();
  /** A private field of the language, so that a print doesn't show secrets. */
  readonly #options: FrontrunnerOptions;

  constructor(
    private readonly name: string,
    options: FrontrunnerOptions,
    private readonly discovery: DiscoveryService,
    private readonly door: HttpDoor | undefined,
  ) {
    this.#options = options;
  }

  /** The parts of the inner application. It starts with the application around it, or when it is first needed. */
  get app(): Promise<Parts> {
    return this.parts ?? this.start();
  }

  async onModuleInit(): Promise<void> {
    await this.door?.open();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.start();
  }

  onModuleDestroy(): Promise<void> {
    return (this.stopping ??= this.stop());
  }

  onApplicationShutdown(): Promise<void> {
    return (this.closing ??= this.close());
  }

  private async stop(): Promise<void> {
    await (await this.running)?.stop();
    await this.readers.end();
  }

  private async close(): Promise<void> {
    this.closed.abort();
    await (await this.running)?.app.close();
  }

  /** Undefined when the inner application was not started. Resolves to undefined when its start failed. */
  private get running(): Promise<Started | undefined> | undefined {
    return this.started?.catch(() => undefined);
  }

  private async start(): Promise<Parts> {
    this.started ??= this.make(this.share());
    try {
      const { app } = await this.started;
      return await (this.parts ??= Promise.resolve(partsUntil(this.closed.signal, app)));
    } catch (error) {
      await this.closeAll();
      throw error;
    }
  }

  /** Closes everything of a failed start: Nest returns no application then, and what has started in it would stay open. */
  private async closeAll(): Promise<void> {
    const instances = this.discovery
      .getProviders()
      .map(({ instance }): unknown => instance)
      .filter((made) => made instanceof Instance && made.started !== undefined) as Instance[];
    await Promise.allSettled(instances.map((one) => one.onModuleDestroy()));
    await Promise.allSettled(instances.map((one) => one.onApplicationShutdown()));
  }

  /** @throws {Error} when a sub-task isn't made yet. @throws {DomainError} `stopping` */
  private share(): Share {
    if (this.stopping) throw new DomainError('stopping', 'The application is stopping');
    const share = new Share(this.name, this.discovery);
    share.requireMade();
    return share;
  }

  private async make(share: Share): Promise<Started> {
    const config = configOf(this.#options, share.files);
    const host: HostProviders = { providers: () => share.providers, listeners: () => share.listeners };
    // Not Nest's shared factory: a factory remembers `abortOnError`, which decides whether errors end the process.
    const factory = new NestFactoryStatic();
    const parts = new NestedParts();
    const { door } = this;
    if (!door) {
      const app = await parts.during(() =>
        factory.createApplicationContext(InstanceModule.with(config, host), parts.options),
      );
      return { app, stop: () => stopRuns(app) };
    }
    const { startFace } = await import('./http-face.js').catch(refuseMissing);
    const { base } = door;
    const { openApi, ui } = httpOptions(this.#options) ?? {};
    const face = await parts.during(() =>
      startFace(factory, config, host, { base, openApi, ui, nest: parts.options }),
    );
    door.lead(face.handle);
    return face;
  }
}

interface Started {
  readonly app: INestApplicationContext;
  readonly stop: () => Promise<void>;
}
