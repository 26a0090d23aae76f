import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { ModuleMetadata } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import supertest from 'supertest';
import { AppModule } from '../../src/app.module.js';
import { setUp } from '../../src/app.setup.js';
import { parseConfig } from '../../src/config/config.js';
import type { EventType, RunEvent } from '../../src/events/catalog.js';
import { FastExpressAdapter } from '../../src/http/express-adapter.js';
import { CapturedLog } from './captured-log.js';

interface Options extends ModuleMetadata {
  /** Environment variables; the demo runs a thousand times faster unless they say otherwise. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The whole service on a port of its own, as e2e tests drive it. */
export class TestApp {
  readonly events: RunEvent[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(
    readonly app: NestExpressApplication,
    readonly log: CapturedLog,
    private readonly resourcesBefore: readonly string[],
  ) {
    app.get(EventEmitter2).onAny((_type: unknown, event: RunEvent) => {
      this.events.push(event);
      for (const check of this.waiting) check();
    });
  }

  /** Starts the service, with the given modules and providers besides its own. */
  static async start({ env = {}, imports = [], ...metadata }: Options = {}): Promise<TestApp> {
    const resourcesBefore = process.getActiveResourcesInfo();
    const log = new CapturedLog();
    const config = parseConfig({ LOG_LEVEL: 'silent', DEMO_TIME_SCALE: '0.001', ...env });
    const module = await Test.createTestingModule({ imports: [AppModule, ...imports], ...metadata })
      .overrideProvider(ConfigService)
      .useValue(new ConfigService({ ...config }))
      .setLogger(log)
      .compile();
    const app = module.createNestApplication<NestExpressApplication>(new FastExpressAdapter(), {
      bodyParser: false,
    });
    setUp(app);
    await app.listen(0, '127.0.0.1');
    return new TestApp(app, log, resourcesBefore);
  }

  get url(): string {
    const { port } = this.app.getHttpServer<Server>().address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** A request over a real socket. */
  get http(): ReturnType<typeof supertest> {
    return supertest(this.url);
  }

  /** The first event of a type in a run, as soon as it is there. */
  event<T extends EventType>(runId: string, type: T, subTask?: string): Promise<RunEvent<T>> {
    const find = () =>
      this.events.find(
        (event): event is RunEvent<T> =>
          event.runId === runId &&
          event.type === type &&
          (subTask === undefined || ('subTask' in event && event.subTask === subTask)),
      );
    return new Promise((resolve) => {
      const check = (): void => {
        const found = find();
        if (!found) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Stops the service, and proves that nothing of it is left. */
  async close(): Promise<void> {
    await this.app.close();
    const listeners = this.app.get(EventEmitter2).eventNames().length;
    if (listeners > 0) throw new Error(`${listeners} events still have listeners`);
    const left = await leftOver(this.resourcesBefore);
    if (left.length > 0) throw new Error(`Still active after close: ${left.join(', ')}`);
  }
}

/** Timers, sockets and servers that are active now and weren't before; closing sockets get a few turns to go. */
async function leftOver(before: readonly string[]): Promise<string[]> {
  let left: string[] = [];
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const rest = [...before];
    left = process.getActiveResourcesInfo().filter((resource) => {
      if (!/^(Timeout|TCP|Pipe|HTTP)/.test(resource)) return false;
      const index = rest.indexOf(resource);
      if (index >= 0) rest.splice(index, 1);
      return index < 0;
    });
    if (left.length === 0) break;
  }
  return left;
}
