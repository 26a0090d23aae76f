/** A provider of the application that an instance is part of: what Nest's `InstanceWrapper` tells of it. */
export interface HostProvider {
  readonly metatype: unknown;
  /** What it is injected by. */
  readonly token?: unknown;
  readonly instance: unknown;
  isDependencyTreeStatic(): boolean;
}

/** What the application around an instance has for it: see `FrontrunnerModule`. */
export interface HostProviders {
  /** Among these are the tasks and their sub-tasks. */
  providers(): readonly HostProvider[];
  /** Among these are the listeners to events. */
  listeners(): readonly HostProvider[];
}

export const HOST_PROVIDERS = Symbol('providers of the host');
