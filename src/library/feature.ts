import type { DiscoveryService } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants.js';
import { SubTaskMetadata } from '../tasks/sub-task.js';
import { TaskMetadata } from '../tasks/task.js';
import { isDeclared } from '../tasks/task-of.js';

/** Nest's record of a provider or a controller. */
type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** The name of an instance without a given name. */
export const DEFAULT_NAME = 'default';

/** What a module adds to an instance besides classes: files of tasks. */
export class Feature {
  constructor(
    readonly instance: string,
    readonly files: readonly string[],
  ) {}
}

/** The providers of the application that belong to an instance: all of its own features, none of other instances' features. */
export class Share {
  private readonly features: ReadonlyMap<unknown, Feature>;

  constructor(
    private readonly instance: string,
    private readonly discovery: DiscoveryService,
  ) {
    this.features = new Map(
      discovery
        .getProviders()
        .flatMap(({ host, instance: made }) => (made instanceof Feature ? [[host, made]] : [])),
    );
  }

  get files(): string[] {
    return [...this.features.values()]
      .filter((feature) => feature.instance === this.instance)
      .flatMap((feature) => feature.files);
  }

  /** Tasks outside of features belong to the `default` instance. All instances may use sub-tasks outside of features. */
  get providers(): Wrapper[] {
    const all = this.discovery.getProviders();
    if (this.instance === DEFAULT_NAME) return all.filter((wrapper) => this.owns(wrapper) ?? true);
    const own = all.filter((wrapper) => this.owns(wrapper));
    const classes = new Set(own.map(({ metatype }) => metatype));
    const shared = all.filter(
      (wrapper) =>
        this.owns(wrapper) === undefined &&
        !classes.has(wrapper.metatype) &&
        !isDeclared(TaskMetadata.KEY, wrapper.metatype),
    );
    return [...own, ...shared];
  }

  /** @throws {Error} when Nest has not made a sub-task yet */
  requireMade(): void {
    const unmade = this.providers.find(
      (wrapper) =>
        isDeclared(SubTaskMetadata.KEY, wrapper.metatype) &&
        wrapper.isDependencyTreeStatic() &&
        !wrapper.getInstanceByContextId(STATIC_CONTEXT).isResolved,
    );
    if (unmade)
      throw new Error(
        `Frontrunner was called before the sub-task ${unmade.name} was made; call it from onModuleInit on, not from a constructor or a factory`,
      );
  }

  /** Listeners outside of features hear the events of all instances. */
  get listeners(): Wrapper[] {
    const all = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    return all.filter((wrapper) => this.owns(wrapper) ?? true);
  }

  /** Undefined for a provider outside of features. */
  private owns({ host }: Wrapper): boolean | undefined {
    const feature = this.features.get(host);
    return feature === undefined ? undefined : feature.instance === this.instance;
  }
}
