import type { Clock } from '../core/clock.js';
import { milliseconds, type Duration } from '../core/duration.js';
import type { SubTaskContext, SubTaskHandler } from '../core/sub-task.js';

export type SubTaskClass = abstract new (...args: never[]) => SubTaskHandler;
export type SubTaskInput<Class extends SubTaskClass> = Parameters<InstanceType<Class>['run']>[0];
export type SubTaskResult<Class extends SubTaskClass> = Awaited<ReturnType<InstanceType<Class>['run']>>;

interface Behaviour {
  readonly run: (input: never, context: SubTaskContext) => unknown;
  delayMs: number;
}

/**
 * Replaces the class of a sub-task in a test. Each behaviour is for one attempt, and the last one for all further attempts:
 * `rejects(new Error('down')).resolves('Hi').after('50ms')` fails once, and then takes 50 ms.
 */
export class Stub<Input = unknown, Result = unknown> {
  private readonly behaviours: Behaviour[] = [];

  constructor(
    private readonly name: string,
    private readonly clock: Clock,
  ) {}

  resolves(result: Result): this {
    return this.add(() => result);
  }

  /** @param error the error that the attempt fails with; a `SubTaskError` can also give details */
  rejects(error: Error): this {
    return this.add(() => {
      throw error;
    });
  }

  /** The attempt goes on until it times out or is cancelled. */
  neverSettles(): this {
    return this.add(() => new Promise(() => undefined));
  }

  /** The attempt calls a function. */
  runs(run: (input: Input, context: SubTaskContext) => Result | Promise<Result>): this {
    return this.add(run);
  }

  /** How long the behaviour before this call takes. Default: no time. */
  after(delay: Duration): this {
    const last = this.behaviours.at(-1);
    if (!last) throw new TypeError(`Say first what ${this.name} does: resolves('Hi').after('50ms')`);
    last.delayMs = milliseconds(delay);
    return this;
  }

  /** Whether the stub has a behaviour. */
  get isReady(): boolean {
    return this.behaviours.length > 0;
  }

  /** Runs the behaviour of one attempt. */
  run(input: unknown, context: SubTaskContext): unknown {
    const behaviour = this.behaviours[Math.min(context.attempt, this.behaviours.length) - 1];
    if (!behaviour) throw new TypeError(`The stub of ${this.name} has nothing to do`);
    const { run, delayMs } = behaviour;
    if (delayMs === 0) return run(input as never, context);
    const { signal } = context;
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimeout(() => {
        resolve(new Promise((settle) => settle(run(input as never, context))));
      }, delayMs);
      signal.addEventListener('abort', () => {
        this.clock.clearTimeout(timer);
        reject(signal.reason as Error);
      });
    });
  }

  private add(run: Behaviour['run']): this {
    this.behaviours.push({ run, delayMs: 0 });
    return this;
  }
}
