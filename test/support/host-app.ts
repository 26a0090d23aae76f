import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Frontrunner } from '../../src/index.js';
import { CapturedLog } from './captured-log.js';

/** An application of one's own that has instances in it, without a socket. */
export class HostApp {
  private constructor(
    readonly app: INestApplication,
    readonly log: CapturedLog,
  ) {}

  /** Made, but not started. */
  static async create(metadata: ModuleMetadata): Promise<HostApp> {
    const log = new CapturedLog();
    const module = await Test.createTestingModule(metadata).setLogger(log).compile();
    return new HostApp(module.createNestApplication(), log);
  }

  static async start(metadata: ModuleMetadata): Promise<HostApp> {
    const host = await HostApp.create(metadata);
    await host.app.init();
    return host;
  }

  get frontrunner(): Frontrunner {
    return this.app.get(Frontrunner);
  }

  close(): Promise<void> {
    return this.app.close();
  }
}
