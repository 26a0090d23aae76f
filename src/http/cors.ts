import type { Request } from 'express';

/** The origins whose pages may call the service: those listed, or any. */
export type CorsOrigins = readonly string[] | '*';

const ALLOWED_HEADERS = [
  'Authorization',
  'X-API-Key',
  'Content-Type',
  'Prefer',
  'Idempotency-Key',
  'X-Request-Id',
  'traceparent',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
];

const EXPOSED_HEADERS = [
  'Location',
  'Retry-After',
  'Preference-Applied',
  'Idempotency-Replayed',
  'Age',
  'Cache-Status',
  'X-Request-Id',
  'ETag',
  'Link',
  'RateLimit',
  'RateLimit-Policy',
];

/** How long a browser may reuse the answer to a preflight, in seconds. No browser keeps it longer than two hours. */
const PREFLIGHT_MAX_AGE_S = 7_200;

/** Options for Nest's `enableCors`. It answers preflights; other `OPTIONS` requests go on to the handlers. */
export function corsOptions(origins: CorsOrigins, methods: readonly string[]) {
  const options = {
    origin: origins === '*' ? origins : [...origins],
    methods: [...methods],
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_MAX_AGE_S,
  };
  return ({ headers }: Request, done: (error: null, chosen: object) => void): void => {
    done(null, { ...options, preflightContinue: headers['access-control-request-method'] === undefined });
  };
}
