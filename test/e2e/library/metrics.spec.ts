import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { metrics, type Meter } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Frontrunner, FrontrunnerModule } from '../../../src/index.js';
import { PrometheusMeter } from '../../../src/telemetry/prometheus-meter.js';
import { inlineTask } from '../../support/inline-task.js';
import { CapturedLog } from '../../support/captured-log.js';

const echo = inlineTask('echo', { only: { run: (input) => input } });

async function start(): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [FrontrunnerModule.forRoot({ database: 'memory:' })],
    providers: echo,
  })
    .setLogger(new CapturedLog())
    .compile();
  return module.createNestApplication().init();
}

describe('metrics in an application', () => {
  afterEach(() => {
    metrics.disable();
  });

  test('go to the MeterProvider of the application', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter });
    const provider = new MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    const host = await start();
    const run = await host.get(Frontrunner).start('echo', 1);
    await run.finished();
    await nextTurn();
    await provider.forceFlush();
    const points = (name: string) =>
      exporter
        .getMetrics()
        .at(-1)!
        .scopeMetrics.flatMap(({ metrics: all }) => all)
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => ({ attributes, value })));
    expect(points('frontrunner.runs.started')).toEqual([
      { attributes: { 'frontrunner.task': 'echo' }, value: 1 },
    ]);
    expect(points('frontrunner.run.reply.duration')).toMatchObject([
      {
        attributes: { 'frontrunner.winner': 'only', 'frontrunner.policy': 'first-success' },
        value: { count: 1 },
      },
    ]);
    expect(points('nodejs.eventloop.utilization')).toEqual([]);
    await host.close();
    await provider.shutdown();
  });

  test('are told no more when the application is closed', async () => {
    const meter = new PrometheusMeter();
    metrics.setGlobalMeterProvider({ getMeter: () => meter as unknown as Meter });
    const host = await start();
    expect(meter.text()).toContain('\nfrontrunner_slots_limit 20000\n');
    await host.close();
    expect(meter.text()).not.toContain('\nfrontrunner_slots_limit 20000\n');
  });
});
