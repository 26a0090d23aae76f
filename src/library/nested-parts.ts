import type { NestApplicationOptions, OnApplicationShutdown, OnModuleDestroy } from '@nestjs/common';

import { withMissingPackage } from './missing-package.js';
import { inWordsOfOptions } from './options.js';

type Part = Partial<OnModuleDestroy & OnApplicationShutdown>;

/** Records what Nest makes for the application within an instance, so that a failed start leaves nothing open. */
export class NestedParts {
  private parts: Part[] = [];

  /** Nest's options of the inner application. `logger` is left out: log lines go to the logger of the outer application. */
  readonly options: NestApplicationOptions = {
    abortOnError: false,
    autoFlushLogs: false,
    bodyParser: false,
    instrument: {
      instanceDecorator: (made) => {
        if (typeof made === 'object' && made !== null) this.parts.push(made);
        return made;
      },
    },
  };

  /** Resolves with the result of `start`. If it fails, everything made so far is closed first. */
  async during<T>(start: () => Promise<T>): Promise<T> {
    try {
      return await start();
    } catch (error) {
      const made = this.parts.toReversed();
      for (const part of made) await part.onModuleDestroy?.();
      for (const part of made) await part.onApplicationShutdown?.();
      throw inWordsOfOptions(withMissingPackage(error));
    } finally {
      this.parts = [];
    }
  }
}
