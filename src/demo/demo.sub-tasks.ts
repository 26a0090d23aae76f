import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { SubTask } from '../tasks/sub-task.js';
import type { SubTaskContext } from '../core/sub-task.js';

interface Sleeper {
  readonly dueAt: number;
  readonly wake: () => void;
}

/**
 * Sleeps for seconds as long as DEMO_TIME_SCALE says. All sleepers share one timer, so they wake in the order in which they are due,
 * however late that is: Node's own timers of different lengths do not, once the event loop is held up.
 */
@Injectable()
export class DemoClock {
  private readonly msPerSecond: number;
  /** The one that is due first in front. */
  private readonly sleepers: Sleeper[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** When the timer is due, on the clock of `performance.now()`. */
  private timerDueAt = Infinity;

  constructor(@Inject(CONFIG) config: Config) {
    this.msPerSecond = 1000 * config.DEMO_TIME_SCALE;
  }

  sleep(seconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { dueAt: performance.now() + seconds * this.msPerSecond, wake: resolve };
      const at = this.sleepers.findLastIndex(({ dueAt }) => dueAt <= sleeper.dueAt);
      this.sleepers.splice(at + 1, 0, sleeper);
      this.setTimer();
      signal.addEventListener('abort', () => {
        const index = this.sleepers.indexOf(sleeper);
        if (index >= 0) this.sleepers.splice(index, 1);
        this.setTimer();
        reject(signal.reason as Error);
      });
    });
  }

  private setTimer(): void {
    const dueAt = this.sleepers[0]?.dueAt ?? Infinity;
    if (dueAt === this.timerDueAt) return;
    clearTimeout(this.timer);
    this.timerDueAt = dueAt;
    if (dueAt < Infinity)
      this.timer = setTimeout(this.wakeDue, Math.max(0, Math.ceil(dueAt - performance.now())));
  }

  private readonly wakeDue = (): void => {
    const now = performance.now();
    const due = this.sleepers.findIndex(({ dueAt }) => dueAt > now);
    this.timerDueAt = Infinity;
    for (const { wake } of this.sleepers.splice(0, due < 0 ? Infinity : due)) wake();
    this.setTimer();
  };
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
