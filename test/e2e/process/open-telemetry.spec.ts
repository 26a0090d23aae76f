import { describe, expect, test } from '@jest/globals';
import { Collector } from '../../support/collector.js';
import { ServiceProcess } from '../../support/service-process.js';

const ENV = { DATABASE_URL: 'memory:', DEMO_TIME_SCALE: '0.001' };

describe('a service whose telemetry is exported', () => {
  test('sends what is left to the collector when it stops, and says who it is', async () => {
    const collector = await Collector.start({ answers: true });
    const service = await ServiceProcess.start({
      env: {
        ...ENV,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: '600000',
        OTEL_TRACES_SAMPLER: 'always_on',
      },
      envFile: 'OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=staging\n',
    });
    const { body } = (await service.http.get('/run-tasks').expect(200)) as { body: object };
    expect(body).toEqual({ result: 'First result' });
    expect(collector.requests).toEqual([]);
    expect(await service.stop()).toBe(0);
    const requests = new Map(collector.requests.map((request) => [request.path, request.body]));
    expect([...requests.keys()].sort()).toEqual(['/v1/metrics', '/v1/traces']);
    for (const text of ['GET /run-tasks', 'run demo', 'sub-task first', 'sub-task second'])
      expect(requests.get('/v1/traces')).toContain(text);
    const sent = requests.get('/v1/metrics')!;
    for (const text of [
      'frontrunner.run.reply.duration',
      'frontrunner.runs.started',
      'v8js.memory.heap.used',
      'http.server.request.duration',
      '/run-tasks',
      'service.instance.id',
      'service.version',
      'staging',
    ])
      expect(sent).toContain(text);
    expect(/service\.name[^a-z]+(\w+)/.exec(sent)?.[1]).toBe('frontrunner');
    await collector.close();
  });

  test('is not held up by a collector that never answers, and warns of it once', async () => {
    const collector = await Collector.start({ answers: false });
    const service = await ServiceProcess.start({
      env: {
        ...ENV,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_TRACES_EXPORTER: 'none',
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: '',
        OTEL_SERVICE_NAME: 'races',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'pigeon',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=sesame,broken=%zz',
        OTEL_PROPAGATORS: 'pigeon',
        // A stop that waited for the exporter would wait for ten minutes.
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
        OTEL_METRIC_EXPORT_INTERVAL: '50',
        OTEL_METRIC_EXPORT_TIMEOUT: '50',
      },
    });
    await collector.asked();
    expect(collector.requests[0]?.body).toContain('races');
    await service.line(/^OpenTelemetry’s SDK says of its variables: .*pigeon/);
    await service.line(/^Telemetry could not be exported, which goes on being tried: /);
    await service.http.get('/run-tasks').expect(200);
    expect(await service.stop()).toBe(0);
    const said = service.lines.filter(({ msg }) => msg.startsWith('Telemetry'));
    expect(said).toHaveLength(1);
    expect(JSON.stringify(service.lines)).not.toMatch(/sesame| {4}at /);
    await collector.close();
  });
});
