import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { ConfigModule } from '../config/config.module.js';
import { HOST_PROVIDERS, type HostProviders } from '../core/host-providers.js';
import { CoreModule } from '../core.module.js';

/** The inner application of an instance. */
@Module({})
export class InstanceModule {
  static with(
    config: Config,
    host: HostProviders,
    ...imports: NonNullable<DynamicModule['imports']>
  ): DynamicModule {
    return {
      module: InstanceModule,
      global: true,
      imports: [ConfigModule.with(config), CoreModule, ...imports],
      providers: [{ provide: HOST_PROVIDERS, useValue: host }],
      exports: [HOST_PROVIDERS],
    };
  }
}
