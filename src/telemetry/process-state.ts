import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Tell } from './instruments.js';
import { Telemetry } from './telemetry.js';

const NANOSECONDS = 1e9;

/** Reports the state of the process. Not used in the library: there the process belongs to the host application. */
@Injectable()
export class ProcessState implements OnApplicationShutdown {
  private delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  private utilization: EventLoopUtilization | undefined;

  constructor(telemetry: Telemetry) {
    telemetry.states.push((tell) => {
      this.tellLoop(tell);
      for (const { space_name: space, space_used_size: used, space_size: size } of getHeapSpaceStatistics()) {
        tell('v8js.memory.heap.used', used, space);
        tell('v8js.memory.heap.limit', size, space);
      }
    });
  }

  onApplicationShutdown(): void {
    this.delay?.disable();
  }

  /** The first call reports nothing, and starts the measurement. */
  private tellLoop(tell: Tell): void {
    const now = performance.eventLoopUtilization();
    const { delay, utilization } = this;
    this.utilization = now;
    if (!delay || !utilization) {
      this.delay = monitorEventLoopDelay();
      this.delay.enable();
      return;
    }
    tell('nodejs.eventloop.utilization', performance.eventLoopUtilization(now, utilization).utilization);
    if (delay.count === 0) return;
    tell('nodejs.eventloop.delay.min', delay.min / NANOSECONDS);
    tell('nodejs.eventloop.delay.max', delay.max / NANOSECONDS);
    tell('nodejs.eventloop.delay.mean', delay.mean / NANOSECONDS);
    tell('nodejs.eventloop.delay.p50', delay.percentile(50) / NANOSECONDS);
    tell('nodejs.eventloop.delay.p99', delay.percentile(99) / NANOSECONDS);
    delay.reset();
  }
}
