import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { Logger, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import supertest, { type Response } from 'supertest';
import { openAccess } from '../../src/access/access.js';
import { AppModule } from '../../src/app.module.js';
import { setUp } from '../../src/app.setup.js';
import { parseConfig } from '../../src/config/config.js';
import type { EventType, RunEvent } from '../../src/core/events.js';
import { FastExpressAdapter } from '../../src/http/express-adapter.js';
import { Journal } from '../../src/run/journal.js';
import type { Answer } from '../../src/tasks/started-run.js';
import type { Reply } from '../../src/core/run.js';
import type { RunRecord } from '../../src/core/run-record.js';
import type { SubTaskRecord } from '../../src/core/sub-task-record.js';
import { CapturedLog } from './captured-log.js';
import type { Face } from './faces.js';
import { startHost } from './test-host.js';
import { DOCUMENT, DocumentedStatuses } from './documented-statuses.js';
import { activeResources, expectNothingLeft } from './resources.js';

const DEFAULTS = {
  DATABASE_URL: 'memory:',
  DEMO_TIME_SCALE: '0.001',
  SHUTDOWN_GRACE: '1s',
};

interface Options extends ModuleMetadata {
  /** Environment variables; the demo runs a thousand times faster unless they say otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** The API key that its requests come with. Default: none. */
  readonly key?: string | undefined;
  /** Whether other services of the test come and go meanwhile, so that nobody can tell what is left of this one. */
  readonly amongOthers?: boolean;
  /**
   * Whether the OpenAPI document is made of its controllers, which takes half of its start, and not the one in the repository, which
   * says the same. Default: where it has modules or controllers besides its own.
   */
  readonly makesDocument?: boolean;
  /** Who serves it. Default: the service. */
  readonly face?: Face;
}

/** What `GET /runs/{id}` answers. */
export interface ShownRun extends RunRecord {
  readonly reply: Reply | null;
  readonly subTasks: readonly (SubTaskRecord & { readonly answered?: true })[];
}

/** The whole service on a port of its own, as e2e tests drive it. */
export class TestApp {
  /** Nest has one logger a process. It belongs to the last of these. */
  private static readonly logs: CapturedLog[] = [];
  readonly events: RunEvent[] = [];
  /** How many runs it has accepted so far. Each counts before its caller is answered, unlike its events. */
  runsStarted = 0;
  private readonly waiting = new Set<() => void>();
  private documented: DocumentedStatuses | undefined;

  private constructor(
    readonly app: NestExpressApplication,
    readonly log: CapturedLog,
    private readonly resourcesBefore: readonly string[] | undefined,
    private readonly key: string | undefined,
    /** The application that it is part of. */
    private readonly host: INestApplication = app,
    /** What its links begin with, and all of its paths. */
    readonly base = '',
  ) {
    app.get(EventEmitter2).onAny((_type: unknown, event: RunEvent) => {
      this.events.push(event);
      for (const check of this.waiting) check();
    });
    const journal = app.get(Journal);
    const append = journal.append.bind(journal);
    journal.append = (run, event, options) => {
      if (event.type === 'run.started') this.runsStarted += 1;
      append(run, event, options);
    };
  }

  /** Starts the service, with the given modules and providers besides its own. */
  static async start({
    env = {},
    key,
    amongOthers = false,
    imports = [],
    controllers = [],
    face = 'service',
    makesDocument = imports.length + controllers.length > 0,
    ...metadata
  }: Options = {}): Promise<TestApp> {
    const resourcesBefore = amongOthers ? undefined : await activeResources();
    const log = new CapturedLog();
    TestApp.logs.push(log);
    const variables = { ...DEFAULTS, ...env };
    const config = parseConfig(variables);
    if (face !== 'service') {
      const { host, app } = await startHost(face, variables, { ...metadata, imports, config, log });
      const service = new TestApp(app, log, resourcesBefore, key, host, '/frontrunner');
      await host.listen(0, '127.0.0.1');
      service.documented = new DocumentedStatuses(service.server, service.base);
      return service;
    }
    const module = await Test.createTestingModule({
      imports: [AppModule.with(config), ...imports],
      controllers,
      ...metadata,
    })
      .setLogger(log)
      .compile();
    const adapter = new FastExpressAdapter();
    const app = module.createNestApplication<NestExpressApplication>(adapter, { bodyParser: false });
    setUp(app, adapter, await openAccess(config), makesDocument ? undefined : structuredClone(DOCUMENT));
    const service = new TestApp(app, log, resourcesBefore, key);
    await app.listen(0, '127.0.0.1');
    service.documented = new DocumentedStatuses(service.server, service.base);
    return service;
  }

  get server(): Server {
    return this.host.getHttpServer() as Server;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.base}`;
  }

  /** A request over a real socket. */
  get http(): ReturnType<typeof supertest> {
    if (this.key === undefined) return supertest(this.url);
    return supertest.agent(this.url).auth(this.key, { type: 'bearer' });
  }

  /** Starts a run at once; resolves with the answer. */
  async run(task: string, request: object = {}): Promise<Response> {
    return this.http.post(`/tasks/${task}/runs`).send(request);
  }

  /** Starts a run of which the answer must be 200; resolves with the body of the answer. */
  async answer(task: string, request: object = {}): Promise<Answer> {
    const response = await this.run(task, request);
    if (response.status !== 200) throw new Error(`${response.status} instead of 200: ${response.text}`);
    return response.body as Answer;
  }

  /** What the service says of a run. */
  async showRun(runId: string): Promise<ShownRun> {
    const response = await this.http.get(`/runs/${runId}`).expect(200);
    return response.body as ShownRun;
  }

  /** What the service says of a run as soon as it is over. */
  async finishedRun(runId: string): Promise<ShownRun> {
    await this.event(runId, 'run.finished');
    return this.showRun(runId);
  }

  /** The first event of a type in a run, as soon as it is there. */
  event<T extends EventType>(runId: string, type: T, subTask?: string): Promise<RunEvent<T>> {
    return this.until(() =>
      this.events.find(
        (event): event is RunEvent & RunEvent<T> =>
          event.runId === runId &&
          event.type === type &&
          (subTask === undefined || ('subTask' in event && event.subTask === subTask)),
      ),
    );
  }

  /** What `find` brings, as soon as the events so far make it bring something. */
  until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = find();
        if (found === undefined) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Stops the service, and proves that nothing of it is left and that the document names all it answered. */
  async close(): Promise<void> {
    const emitter = this.app.get(EventEmitter2);
    await this.host.close();
    TestApp.logs.splice(TestApp.logs.indexOf(this.log), 1);
    Logger.overrideLogger(TestApp.logs.at(-1) ?? false);
    const listeners = emitter.eventNames().length;
    if (listeners > 0) throw new Error(`${listeners} events still have listeners`);
    if (this.resourcesBefore) await expectNothingLeft(this.resourcesBefore);
    const undocumented = [...(this.documented?.missing ?? [])];
    if (undocumented.length > 0) throw new Error(`Not in /openapi.json: ${undocumented.join(', ')}`);
  }
}
