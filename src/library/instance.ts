import type {
  INestApplicationContext,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { NestFactoryStatic } from '@nestjs/core/nest-factory.js';
import type { HostProviders } from '../core/host-providers.js';
import { stopRuns } from '../stop-runs.js';
import { featuresOf, providersFor } from './feature.js';
import type { HttpDoor } from './http-door.js';
import { InstanceModule } from './instance.module.js';
import { refuseMissing } from './missing-package.js';
import { configOf, httpOptions, type FrontrunnerOptions } from './options.js';

/**
 * An instance of Frontrunner within an application: a Nest application of its own, with its own configuration, events, tasks and journal.
 * So nothing of the application around it, such as global pipes, is in its way, and there may be several.
 */
export class Instance
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown
{
  private started: Promise<Started> | undefined;

  constructor(
    private readonly name: string,
    private readonly options: FrontrunnerOptions,
    private readonly discovery: DiscoveryService,
    private readonly door: HttpDoor | undefined,
  ) {}

  /** The application within. It starts with the one around it, or when it is first asked for. */
  get app(): Promise<INestApplicationContext> {
    return this.start().then(({ app }) => app);
  }

  async onModuleInit(): Promise<void> {
    await this.door?.open();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.start();
  }

  /** What sub-tasks work with must not go before all have heard this: `beforeApplicationShutdown` comes next. */
  async onModuleDestroy(): Promise<void> {
    await (await this.started)?.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await (await this.started)?.app.close();
  }

  private start(): Promise<Started> {
    return (this.started ??= this.make());
  }

  private async make(): Promise<Started> {
    const providers = this.discovery.getProviders();
    const files = featuresOf(this.name, providers).flatMap((feature) => feature.files);
    const config = configOf(this.options, files);
    const host: HostProviders = {
      providers: () => providersFor(this.name, providers),
      listeners: () => [...providers, ...this.discovery.getControllers()],
    };
    // One of its own: it remembers whether errors end the process.
    const factory = new NestFactoryStatic();
    if (!this.door) {
      const app = await factory.createApplicationContext(InstanceModule.with(config, host), {
        abortOnError: false,
      });
      return { app, stop: () => stopRuns(app) };
    }
    const { startFace } = await import('./http-face.js').catch(refuseMissing);
    const { base } = this.door;
    const face = await startFace(factory, config, host, {
      base,
      openApi: httpOptions(this.options)?.openApi,
    });
    this.door.lead(face.handle);
    return face;
  }
}

interface Started {
  readonly app: INestApplicationContext;
  readonly stop: () => Promise<void>;
}
