import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { FileTasks } from '../tasks-file/file-tasks.js';
import type { Upstreams } from '../upstreams/upstreams.js';
import type { Destinations } from './destinations.js';

/** The connections to receivers. The code that sends requests is loaded with the first request. */
@Injectable()
export class Receivers implements OnApplicationShutdown {
  private destinations: Promise<Destinations> | undefined;
  /** Used where no tasks file declares origins. */
  private own: Upstreams | undefined;

  constructor(
    private readonly fileTasks: FileTasks,
    private readonly memory: MemoryBudget,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  load(): Promise<Destinations> {
    return (this.destinations ??= this.make());
  }

  /** Deliveries have ended by then. */
  async onApplicationShutdown(): Promise<void> {
    await this.own?.close();
  }

  private async make(): Promise<Destinations> {
    const { Destinations } = await import('./destinations.js');
    const { Upstreams } = await import('../upstreams/upstreams.js');
    const { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: except } = this.config;
    return new Destinations(
      () =>
        this.fileTasks.upstreams ??
        (this.own ??= new Upstreams(undefined, this.memory, { http, https, except })),
    );
  }
}
