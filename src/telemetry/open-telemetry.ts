import type * as Api from '@opentelemetry/api';

/** The API of OpenTelemetry; undefined when it isn't installed. */
export async function openTelemetry(): Promise<typeof Api | undefined> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.endsWith('MODULE_NOT_FOUND')) throw error;
    return undefined;
  }
}
