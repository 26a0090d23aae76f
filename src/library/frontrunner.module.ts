import { Module, type DynamicModule, type FactoryProvider, type Type } from '@nestjs/common';
import {
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  HttpAdapterHost,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import { Feature } from './feature.js';
import { Frontrunner } from './frontrunner.js';
import { HostGuards } from './host-guards.js';
import { HttpDoor } from './http-door.js';
import { Instance } from './instance.js';
import { configOf, httpOptions, type FrontrunnerOptions } from './options.js';
import { DEFAULT_NAME, getFrontrunnerOptionsToken, getFrontrunnerToken } from './tokens.js';

interface Named {
  /** Needed where an application has several instances. Default `default`. */
  readonly name?: string;
}

type Imports = Pick<DynamicModule, 'imports'>;

/** Where options come from other providers. */
export interface FrontrunnerAsyncOptions extends Named, Imports {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...injected: never[]) => FrontrunnerOptions | Promise<FrontrunnerOptions>;
}

/** Puts Frontrunner into an application: `forRoot` once, `forFeature` wherever there are tasks. */
@Module({})
export class FrontrunnerModule {
  /** @param options beside those of the instance, what its guards are to be made of */
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
            DiscoveryService,
            HttpAdapterHost,
            ModulesContainer,
            ExternalContextCreator,
            ModuleRef,
          ],
          useFactory: (
            given: FrontrunnerOptions,
            discovery: DiscoveryService,
            adapterHost: HttpAdapterHost,
            ...parts: [ModulesContainer, ExternalContextCreator, ModuleRef]
          ): Instance => {
            const http = httpOptions(given);
            const guards = new HostGuards(http?.guards ?? [], ...parts);
            return new Instance(name, given, discovery, http && new HttpDoor(http, adapterHost, guards));
          },
        },
        { provide: token, inject: [instance], useFactory: (made: Instance) => new Frontrunner(made) },
      ],
      exports: [token],
    };
  }

  /**
   * Provides tasks and sub-tasks. They are found among the providers of any module too; those that are listed here belong to the instance.
   *
   * @param classes of tasks and of sub-tasks
   * @param name of the instance. Default: the one without a name
   */
  static forFeature(classes: readonly Type[], name = DEFAULT_NAME): DynamicModule {
    return feature(new Feature(name, classes, []));
  }

  /** Adds the tasks of YAML or JSON files, and of folders of them. */
  static forFile(files: string | readonly string[], name = DEFAULT_NAME): DynamicModule {
    return feature(new Feature(name, [], [files].flat()));
  }
}

@Module({})
class FeatureModule {}

function feature(made: Feature): DynamicModule {
  const marker = Symbol('feature');
  return {
    module: FeatureModule,
    providers: [...made.classes, { provide: marker, useFactory: () => made }],
    exports: [...made.classes],
  };
}
