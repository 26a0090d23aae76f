import { setTimeout as delay } from 'node:timers/promises';
import { loggerOf } from '../core/logger-of.js';
import { SdkWarnings } from './sdk-warnings.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** How long a stop waits for a collector at most, in milliseconds. */
const FLUSH_MS = 2_000;
const DEFAULT_NAME = 'frontrunner';
const MISSING =
  'OTEL_* says where to export telemetry to, but the packages for it are not installed, so nothing is exported: npm i @opentelemetry/sdk-node @opentelemetry/sdk-trace @opentelemetry/resources';

/** OpenTelemetry’s SDK, which exports the data recorded through its API. */
export interface Sdk {
  /** Sets the id of this instance of the service. Nothing is exported before. */
  identify(id: string): void;
  /** Exports the remaining data, unless the collector can’t be reached in time. */
  shutdown(mostMs: number): Promise<void>;
}

/**
 * Starts the SDK if OpenTelemetry's variables say where to export to. A signal is exported if it has an exporter or endpoint of its own,
 * or if there is a common endpoint. To be called before the application starts, because the application looks for a registered SDK then.
 */
export async function startSdk(environment: Environment, version: string): Promise<Sdk | undefined> {
  const [traces, metrics] = [isExported('TRACES', environment), isExported('METRICS', environment)];
  if ((!traces && !metrics) || environment.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true')
    return undefined;
  // The SDK reads its variables from `process.env`. They may also come from the file .env.
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
    // The service writes its own log.
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

/** Undefined when the packages are not installed: they take 20 MB, which most installations don't need. */
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
