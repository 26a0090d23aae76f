/** A provider of the host application: the fields of Nest's `InstanceWrapper` that Frontrunner needs. */
export interface HostProvider {
  readonly metatype: unknown;
  /** The token by which the provider is injected. */
  readonly token?: unknown;
  readonly instance: unknown;
  isDependencyTreeStatic(): boolean;
}

/** What the host application has for the Frontrunner instance in it: see `FrontrunnerModule`. */
export interface HostProviders {
  /** The providers that include the tasks and their sub-tasks. */
  providers(): readonly HostProvider[];
  /** The providers that include the listeners to events. */
  listeners(): readonly HostProvider[];
}

export const HOST_PROVIDERS = Symbol('providers of the host');
