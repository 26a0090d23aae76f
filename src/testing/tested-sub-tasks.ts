import { Module, type INestApplicationContext, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactoryStatic } from '@nestjs/core/nest-factory.js';
import type { Clock } from '../core/clock.js';
import type { HostProvider } from '../core/host-providers.js';
import type { SubTaskContext, SubTaskHandler } from '../core/sub-task.js';
import { textOf } from '../core/thrown.js';
import { TaskMetadata, type TaskOptions } from '../tasks/task.js';
import { Stub, type SubTaskClass } from './stub.js';

/** An attempt of a sub-task, stubbed or not. */
export interface SubTaskCall<Input = unknown> {
  readonly input: Input;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly runId: string;
}

@Module({})
class SubTasksModule {}

/** A sub-task of a tested task: its stub, or the instance that Nest makes of its class. */
class TestedSubTask {
  readonly calls: SubTaskCall[] = [];
  stub: Stub | undefined;
  real: SubTaskHandler<unknown> | undefined;

  constructor(readonly type: SubTaskClass) {}

  run(input: unknown, context: SubTaskContext): unknown {
    this.calls.push({ input, attempt: context.attempt, runId: context.runId });
    return (this.stub ?? this.real)?.run(input, context);
  }
}

/** The sub-tasks of the tested tasks. When the first run starts, Nest makes those that have no stub. */
export class TestedSubTasks {
  private readonly all = new Map<SubTaskClass, TestedSubTask>();
  private context: Promise<INestApplicationContext | undefined> | undefined;

  constructor(
    private readonly tasks: readonly Type[],
    private readonly clock: Clock,
    private readonly host: Pick<ModuleMetadata, 'imports' | 'providers'>,
  ) {
    for (const task of tasks)
      for (const type of subTasksOf(task)) this.all.set(type, new TestedSubTask(type));
  }

  /** Providers by which the task registry finds the sub-tasks. */
  get providers(): HostProvider[] {
    const found = (metatype: unknown, instance: unknown): HostProvider => ({
      metatype,
      instance,
      isDependencyTreeStatic: () => true,
    });
    return [
      ...new Set(this.tasks).values().map((task) => found(task, {})),
      ...this.all.values().map((subTask) => found(subTask.type, subTask)),
    ];
  }

  stub(type: SubTaskClass): Stub {
    return (this.get(type).stub = new Stub(type.name, this.clock));
  }

  callsOf(type: SubTaskClass): readonly SubTaskCall[] {
    return this.get(type).calls;
  }

  /** Makes the sub-tasks without a stub, with their dependencies. */
  async make(): Promise<void> {
    for (const { stub, type } of this.all.values())
      if (stub && !stub.isReady)
        throw new TypeError(
          `The stub of ${type.name} has nothing to do; say what: fr.stub(${type.name}).resolves(…)`,
        );
    await (this.context ??= this.makeReal());
  }

  /** Calls the shutdown hooks of these sub-tasks. */
  async close(): Promise<void> {
    const context = await this.context?.catch(() => undefined);
    await context?.close();
  }

  private async makeReal(): Promise<INestApplicationContext | undefined> {
    const missing = [...this.all.values().filter(({ stub }) => !stub)];
    if (missing.length === 0) return undefined;
    const { imports = [], providers = [] } = this.host;
    const types = missing.map(({ type }) => type as unknown as Type);
    try {
      const context = await new NestFactoryStatic().createApplicationContext(
        { module: SubTasksModule, imports, providers: [...types, ...providers] },
        { abortOnError: false, logger: ['warn', 'error'] },
      );
      for (const subTask of missing) subTask.real = context.get<SubTaskHandler<unknown>>(subTask.type);
      return context;
    } catch (error) {
      // The next start tries again: the sub-task may have a stub by then.
      this.context = undefined;
      throw new Error(
        `The sub-tasks can't be made. Stub them, as in fr.stub(${missing[0]?.type.name}), or give FrontrunnerTesting.create the \`providers\` or \`imports\` that they need.\n${textOf(error)}`,
        { cause: error },
      );
    }
  }

  private get(type: SubTaskClass): TestedSubTask {
    const subTask = this.all.get(type);
    if (subTask) return subTask;
    const known = [...this.all.keys()].map(({ name }) => name).join(', ');
    throw new TypeError(`${type.name} is no sub-task of the tested tasks, which have ${known}`);
  }
}

/** The classes of a task's sub-tasks. Entries that are no classes are left out: the registry refuses them. */
function subTasksOf(task: Type): SubTaskClass[] {
  const options = Reflect.getMetadata(TaskMetadata.KEY, task) as TaskOptions | undefined;
  if (!options)
    throw new TypeError(
      `${task.name} is no task; decorate it with @Task({ … }), or let it extend TaskOf({ … })`,
    );
  return options.subTasks
    .map((listed) => ('subTask' in listed ? listed.subTask : listed))
    .filter((type) => typeof type === 'function');
}
