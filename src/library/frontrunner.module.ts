import { Module, type DynamicModule, type FactoryProvider, type Type } from '@nestjs/common';
import {
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  HttpAdapterHost,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import { DEFAULT_NAME, Feature } from './feature.js';
import { Frontrunner } from './frontrunner.js';
import { HostGuards } from './host-guards.js';
import { HttpDoor } from './http-door.js';
import { Instance } from './instance.js';
import { flaw } from './option-flaws.js';
import { configOf, httpOptions, OptionsError, requireKinds, type FrontrunnerOptions } from './options.js';
import { getFrontrunnerOptionsToken, getFrontrunnerToken } from './tokens.js';

interface Named {
  /** Name of the instance, where an application has several. Default `default`. */
  readonly name?: string;
}

type Imports = Pick<DynamicModule, 'imports'>;

/** Options that come from other providers. */
export interface FrontrunnerAsyncOptions extends Named, Imports {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...injected: never[]) => FrontrunnerOptions | Promise<FrontrunnerOptions>;
}

/** `imports` takes the modules that export what the classes inject. Global modules needn't be listed. */
export interface FeatureOptions extends Named, Imports {}

/** Puts Frontrunner into an application: `forRoot` once for each instance, `forFeature` wherever there are tasks. */
@Module({})
export class FrontrunnerModule {
  /**
   * Makes an instance.
   *
   * @param options the options of the instance; besides, its `name`, and as `imports` the modules that export what its guards inject
   * @throws {OptionsError} @throws {ConfigError}
   */
  static forRoot({ name, imports, ...options }: FrontrunnerOptions & Named & Imports = {}): DynamicModule {
    configOf(options);
    return FrontrunnerModule.forRootAsync({
      ...(name !== undefined && { name }),
      ...(imports && { imports }),
      useFactory: () => options,
    });
  }

  static forRootAsync({
    name = DEFAULT_NAME,
    imports = [],
    inject = [],
    useFactory,
  }: FrontrunnerAsyncOptions): DynamicModule {
    const options = getFrontrunnerOptionsToken(name);
    const instance = Symbol(`instance ${name}`);
    const token = getFrontrunnerToken(name);
    return {
      module: FrontrunnerModule,
      global: true,
      imports: [DiscoveryModule, ...imports],
      providers: [
        { provide: options, inject, useFactory: useFactory as FactoryProvider['useFactory'] },
        {
          provide: instance,
          inject: [
            options,
            ModulesContainer,
            DiscoveryService,
            HttpAdapterHost,
            ExternalContextCreator,
            ModuleRef,
          ],
          useFactory: (
            given: FrontrunnerOptions | undefined,
            modules: ModulesContainer,
            discovery: DiscoveryService,
            adapterHost: HttpAdapterHost,
            ...parts: [ExternalContextCreator, ModuleRef]
          ): Instance => {
            requireOneOf(name, discovery);
            startLast(modules);
            if (!given)
              throw new OptionsError(['useFactory of forRootAsync returned nothing; return options']);
            requireKinds(given);
            const http = httpOptions(given);
            const guards = new HostGuards(http?.guards ?? [], modules, ...parts);
            return new Instance(name, given, discovery, http && new HttpDoor(http, adapterHost, guards));
          },
        },
        { provide: token, inject: [instance], useFactory: (made: Instance) => new Frontrunner(made) },
      ],
      exports: [token],
    };
  }

  /**
   * Provides tasks and sub-tasks to one instance. Tasks that are plain providers of any module are found too; they belong to the
   * instance `default`.
   *
   * @param classes tasks, sub-tasks, and listeners; these listeners hear only the events of this instance
   */
  static forFeature(classes: readonly Type[], { name, imports }: FeatureOptions = {}): DynamicModule {
    return feature(name, classes, [], imports);
  }

  /**
   * Adds the tasks of YAML or JSON files.
   *
   * @param files paths of files, or of folders of them; a relative path starts at the working directory
   * @throws {OptionsError} when something else is given
   */
  static forFile(files: string | readonly string[], { name }: Named = {}): DynamicModule {
    const paths = [files].flat();
    const isPath = (path: unknown): boolean => typeof path === 'string' && path.trim() !== '';
    if (paths.length === 0 || !paths.every(isPath)) {
      const wrong = paths.find((path) => !isPath(path));
      throw new OptionsError([flaw('forFile', wrong, 'the path of a file or a folder, or a list of them')]);
    }
    return feature(name, [], paths);
  }
}

@Module({})
class FeatureModule {}

function feature(
  name = DEFAULT_NAME,
  classes: readonly Type[],
  files: readonly string[],
  imports: Imports['imports'] = [],
): DynamicModule {
  return {
    module: FeatureModule,
    imports: [DiscoveryModule, ...imports],
    providers: [
      ...classes,
      {
        provide: Symbol(`feature of ${name}`),
        inject: [DiscoveryService],
        useFactory: (discovery: DiscoveryService): Feature => {
          requireOneOf(name, discovery);
          return new Feature(name, files);
        },
      },
    ],
    exports: [...classes],
  };
}

/** @throws {OptionsError} unless the application has exactly one instance of this name */
function requireOneOf(name: string, discovery: DiscoveryService): void {
  const token = getFrontrunnerToken(name);
  const count = discovery.getProviders().filter((wrapper) => wrapper.token === token).length;
  if (count === 1) return;
  const options = name === DEFAULT_NAME ? '{ … }' : `{ name: '${name}', … }`;
  throw new OptionsError([
    count === 0
      ? `forFeature or forFile names the instance '${name}', but there is none; import FrontrunnerModule.forRoot(${options})`
      : `FrontrunnerModule.forRoot is imported ${count} times for the instance '${name}'; import it once, or give each a name of its own`,
  ]);
}

/**
 * Makes Nest call the hooks of instances last at the start, and first at the stop. So the services that sub-tasks use are there during
 * every attempt.
 */
function startLast(modules: ModulesContainer): void {
  for (const module of modules.values()) if (module.metatype === FrontrunnerModule) module.distance = -1;
}
