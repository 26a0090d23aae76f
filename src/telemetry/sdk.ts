import { setTimeout as delay } from 'node:timers/promises';
import { loggerOf } from '../core/logger-of.js';
import { SdkWarnings } from './sdk-warnings.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** How long a stop waits for a collector at most, in milliseconds. */
const FLUSH_MS = 2_000;
const DEFAULT_NAME = 'frontrunner';
const MISSING =
  'OTEL_* says where to export telemetry to, but the packages for it are not installed, so nothing is exported: npm i @opentelemetry/sdk-node @opentelemetry/sdk-trace @opentelemetry/resources';

/** OpenTelemetry’s SDK, which exports what is recorded through its API. */
export interface Sdk {
  /** Says which instance of the service this is. Nothing is exported before. */
  identify(id: string): void;
  /** Exports what is left, unless the collector can’t be reached in time. */
  shutdown(mostMs: number): Promise<void>;
}

/**
 * Starts the SDK where a variable of OpenTelemetry says where to export to: a signal is exported that has an exporter or an endpoint of
 * its own, or that the common endpoint is for. Before the application, which sees what is registered.
 */
export async function startSdk(environment: Environment, version: string): Promise<Sdk | undefined> {
  const [traces, metrics] = [isExported('TRACES', environment), isExported('METRICS', environment)];
  if ((!traces && !metrics) || environment.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true')
    return undefined;
  // The SDK reads them there, and .env may have them.
  for (const [name, value] of Object.entries(environment))
    if (name.startsWith('OTEL_') && value !== undefined) process.env[name] ??= value;
  const packages = await loadPackages();
  if (!packages) {
    loggerOf('telemetry').warn(MISSING);
    return undefined;
  }
  const { diag, DiagLogLevel, NodeSDK, envDetector, resourceFromAttributes, defaultResource, samplerOf } =
    packages;
  const warnings = new SdkWarnings();
  if (!environment.OTEL_LOG_LEVEL) diag.setLogger(warnings, DiagLogLevel.WARN);
  const sampler = samplerOf(environment.OTEL_TRACES_SAMPLER, environment.OTEL_TRACES_SAMPLER_ARG);
  const id = Promise.withResolvers<string>();
  const sdk = new NodeSDK({
    ...(!traces && { spanProcessors: [] }),
    ...(!metrics && { metricReaders: [] }),
    ...(sampler && { sampler }),
    // The service writes its log itself.
    logRecordProcessors: [],
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': DEFAULT_NAME,
        'service.version': version,
        'service.instance.id': id.promise,
      }),
    ),
    resourceDetectors: [envDetector],
  });
  sdk.start();
  warnings.start();
  return {
    identify: id.resolve,
    shutdown: async (mostMs) => {
      const patience = delay(Math.min(FLUSH_MS, mostMs), undefined, { ref: false });
      await Promise.race([sdk.shutdown().catch(() => undefined), patience]);
    },
  };
}

/** Undefined where they are not installed: most who install the service need none of their 20 MB. */
async function loadPackages() {
  try {
    const [api, sdk, resources, samplers] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-node'),
      import('@opentelemetry/resources'),
      import('./linked-sampler.js'),
    ]);
    return { ...api, ...sdk, ...resources, ...samplers };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}

function isExported(signal: 'TRACES' | 'METRICS', environment: Environment): boolean {
  const exporter = environment[`OTEL_${signal}_EXPORTER`]?.trim();
  if (exporter) return exporter !== 'none';
  const names = [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  return names.some((name) => environment[name]?.trim());
}
