import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { Config } from '../config/config.js';
import { SubTask } from '../tasks/sub-task.js';
import type { SubTaskContext } from '../core/sub-task.js';

/** Sleeps for seconds as long as DEMO_TIME_SCALE says. */
@Injectable()
export class DemoClock {
  private readonly msPerSecond: number;

  constructor(config: ConfigService<Config, true>) {
    this.msPerSecond = 1000 * config.get('DEMO_TIME_SCALE', { infer: true });
  }

  sleep(seconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * this.msPerSecond);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    });
  }
}

@SubTask({ name: 'first' })
export class FirstSubTask {
  constructor(private readonly clock: DemoClock) {}

  async run(_input: unknown, { signal }: SubTaskContext): Promise<string> {
    await this.clock.sleep(1, signal);
    return 'First result';
  }
}

@SubTask({ name: 'second' })
export class SecondSubTask {
  constructor(private readonly clock: DemoClock) {}

  async run(_input: unknown, { signal }: SubTaskContext): Promise<string> {
    await this.clock.sleep(5, signal);
    return 'Second result';
  }
}

@SubTask({ name: 'third' })
export class ThirdSubTask {
  constructor(private readonly clock: DemoClock) {}

  async run(_input: unknown, { signal }: SubTaskContext): Promise<string> {
    await this.clock.sleep(3, signal);
    return 'Third result';
  }
}
