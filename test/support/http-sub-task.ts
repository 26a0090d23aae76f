import type { RequestListener } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import type { CallerHeaders } from '../../src/core/caller-headers.js';
import type { JsonValue } from '../../src/core/json.js';
import type { UpstreamCall } from '../../src/core/measures.js';
import type { TlsOptions } from 'node:tls';
import { Attempt } from '../../src/run/attempt.js';
import type { AttemptTrace } from '../../src/tracing/attempt-trace.js';
import type { SubTaskOwner } from '../../src/run/sub-task-owner.js';
import type { SubTaskError } from '../../src/core/sub-task-error.js';
import { httpRequestSchema } from '../../src/upstreams/http-sub-task.schema.js';
import { HttpSubTask } from '../../src/upstreams/http-sub-task.js';
import { systemClock } from '../../src/core/clock.js';
import type { Proxies } from '../../src/upstreams/proxies.js';
import { Upstreams } from '../../src/upstreams/upstreams.js';
import { hearer } from './hearer.js';
import { activeResources, leftOver } from './resources.js';
import { UpstreamServer, type Protocol } from './upstreams.js';

/** The run of each attempt. */
const ownerOf = (callerHeaders: CallerHeaders) =>
  ({
    id: 'run',
    execution: { clock: systemClock },
    task: 'task',
    originFields: {},
    terms: { origin: {}, callerHeaders },
  }) as Partial<SubTaskOwner> as SubTaskOwner;
const subTask = {
  name: 'sub-task',
  progressed: () => undefined,
  streamed: () => undefined,
  returned: () => undefined,
  failed: () => undefined,
};

interface CallOptions {
  readonly input?: unknown;
  /** What the run keeps of its request. */
  readonly callerHeaders?: CallerHeaders;
  readonly timeoutMs?: number;
  /** The span of the attempt. */
  readonly trace?: AttemptTrace;
  /** Told of the attempt, which can be given up. */
  readonly begun?: (attempt: Attempt) => void;
}

interface ReadStream {
  readonly chunks: readonly JsonValue[];
  readonly failure: SubTaskError | undefined;
  /** How many the attempt says there were. */
  readonly tokens: number | undefined;
}

/** HTTP sub-tasks without the service around them, and their upstreams; `close` proves that no socket is left. */
export class Caller {
  private readonly servers: UpstreamServer[] = [];

  private constructor(
    readonly upstreams: Upstreams,
    private readonly before: readonly string[],
  ) {}

  /** @param proxies those of the environment */
  static async create(lookup?: LookupFunction, proxies?: Proxies): Promise<Caller> {
    return new Caller(new Upstreams(lookup, undefined, proxies), await activeResources());
  }

  /** Starts an upstream that is stopped in the end. */
  async serve(answer: RequestListener, ...protocol: [Protocol?, TlsOptions?]): Promise<UpstreamServer> {
    const server = await UpstreamServer.start(answer, ...protocol);
    this.servers.push(server);
    return server;
  }

  /** Starts one that needn't speak HTTP. */
  async serveRaw(take: (socket: Socket) => void): Promise<UpstreamServer> {
    const server = await UpstreamServer.raw(take);
    this.servers.push(server);
    return server;
  }

  /** As the tasks file makes one, `allowPrivate: true` unless it says otherwise: upstreams of tests are on loopback. */
  subTask(options: object, environment: Readonly<Record<string, string>> = {}): HttpSubTask {
    return new HttpSubTask(
      httpRequestSchema.parse({ allowPrivate: true, ...options }),
      this.upstreams,
      environment,
    );
  }

  /** Calls once. */
  async call(
    options: HttpSubTask | object,
    { input = {}, callerHeaders = {}, timeoutMs = 20_000, trace, begun }: CallOptions = {},
  ): Promise<unknown> {
    const attempt = new Attempt(subTask, ownerOf(callerHeaders), 1, timeoutMs, trace);
    begun?.(attempt);
    const handler = options instanceof HttpSubTask ? options : this.subTask(options);
    return handler.run(input, attempt);
  }

  /** Calls once, and gives what it failed with. */
  async failure(subTask: HttpSubTask | object, options?: CallOptions): Promise<SubTaskError> {
    const result: unknown = await this.call(subTask, options).then(
      (value) => new Error(`No failure, but ${JSON.stringify(value)}`),
      (error: unknown) => error,
    );
    if (result instanceof Error && result.name === 'SubTaskError') return result as SubTaskError;
    throw result;
  }

  /** Calls one that streams. */
  async open(options: HttpSubTask | object, terms?: CallOptions): Promise<AsyncIterableIterator<JsonValue>> {
    return (await this.call(options, terms)) as AsyncIterableIterator<JsonValue>;
  }

  /** Calls one that streams, and reads all of it. */
  async read(options: HttpSubTask | object, terms: CallOptions = {}): Promise<ReadStream> {
    let attempt: Attempt | undefined;
    const begun = (one: Attempt) => {
      attempt = one;
      terms.begun?.(one);
    };
    const chunks: JsonValue[] = [];
    try {
      for await (const chunk of await this.open(options, { ...terms, begun })) chunks.push(chunk);
      return { chunks, failure: undefined, tokens: attempt?.tokens };
    } catch (error) {
      if ((error as Error).name !== 'SubTaskError') throw error;
      return { chunks, failure: error as SubTaskError, tokens: attempt?.tokens };
    }
  }

  /** What is measured of calls from now on. */
  heard(): readonly UpstreamCall[] {
    const calls: UpstreamCall[] = [];
    this.upstreams.measures.hearers = [hearer({ called: (call) => calls.push(call) })];
    return calls;
  }

  async close(): Promise<void> {
    for (const server of this.servers.splice(0)) await server.close();
    await this.upstreams.close();
    const left = await leftOver(this.before);
    if (left.length > 0) throw new Error(`Still active after close: ${left.join(', ')}`);
  }
}
