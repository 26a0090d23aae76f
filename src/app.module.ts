import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { CoreModule } from './core.module.js';
import { DemoModule } from './demo/demo.module.js';
import { HttpFaceModule } from './http-face.module.js';
import { MetricsModule } from './metrics.module.js';

/** The service. */
@Module({})
export class AppModule {
  static with(config: Config): DynamicModule {
    const imports = [
      CoreModule,
      HttpFaceModule,
      MetricsModule.with(config),
      ...(config.DEMO ? [DemoModule] : []),
    ];
    return { module: AppModule, imports: [...imports, ConfigModule.with(config)] };
  }
}
