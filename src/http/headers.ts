import type { ApiHeaderOptions, ApiQueryOptions } from '@nestjs/swagger';

const integer = { type: 'integer' as const };
const text = { type: 'string' as const };

/** Headers of requests, as the OpenAPI document describes them. */
export const requestHeaders = {
  prefer: {
    name: 'Prefer',
    required: false,
    description:
      '`wait=N`: wait at most N seconds. `respond-async`: answer as soon as the request is accepted (RFC 7240). What is malformed or not known is ignored.',
    schema: { type: 'string', example: 'wait=5' },
  },
  idempotencyKey: {
    name: 'Idempotency-Key',
    required: false,
    description:
      'A quoted string of your making, of at most 255 characters. The same request with the same key gives the same run and the same reply, however often it is sent (draft-ietf-httpapi-idempotency-key-header).',
    schema: { type: 'string', example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"' },
  },
  idempotencyKeyOfRetry: {
    name: 'Idempotency-Key',
    required: false,
    description:
      'A quoted string of your making, of at most 255 characters. However often the request is sent with the same key, the sub-task is retried once. A key counts for the run.',
    schema: { type: 'string', example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"' },
  },
  ifNoneMatch: {
    name: 'If-None-Match',
    required: false,
    description: 'The `ETag` of an earlier answer: 304 when nothing has changed since.',
    schema: { type: 'string', example: 'W/"17"' },
  },
  ifMatch: {
    name: 'If-Match',
    required: false,
    description: 'The `ETag` of `GET /runs/{id}`: 412, and nothing is done, when the run has changed since.',
    schema: { type: 'string', example: 'W/"17"' },
  },
  ifMatchOfWebhook: {
    name: 'If-Match',
    required: false,
    description:
      'The `ETag` of `GET /webhooks/{webhookId}`: 412, and nothing is done, when the webhook has changed since.',
    schema: { type: 'string', example: 'W/"1"' },
  },
} as const satisfies Record<string, ApiHeaderOptions>;

/** The parameter of requests that do the same as `Prefer: wait`. */
export const waitQuery = {
  name: 'wait',
  required: false,
  description:
    'How long to wait at most, such as `30s` or `500ms`; `0` for an answer at once. For callers that can’t set headers: it counts, and not `Prefer: wait`, where both are there.',
  schema: { type: 'string', example: '30s' },
} as const satisfies ApiQueryOptions;

/** Headers of answers, as the OpenAPI document describes them. */
export const answerHeaders = {
  vary: { Vary: { description: 'Browsers are led to a page.', schema: text, example: 'Accept' } },
  etag: {
    ETag: { description: 'Changes whenever anything of the run does.', schema: text, example: 'W/"17"' },
  },
  preferenceApplied: {
    'Preference-Applied': {
      description: 'The preferences that were honoured, and how (RFC 7240).',
      schema: text,
      example: 'wait=5',
    },
  },
  replayed: {
    'Idempotency-Replayed': {
      description: '`true` when an earlier request with the same `Idempotency-Key` has done this.',
      schema: { type: 'string' as const, enum: ['true'] },
    },
  },
  shared: {
    Age: {
      description: 'How old the reply is, in seconds, where a run of the past answers (RFC 9111).',
      schema: integer,
      example: 12,
    },
    'Cache-Status': {
      description:
        '`Frontrunner; fwd=miss; collapsed`: an equal request has started the run. `Frontrunner; hit`: a run of the past answers. `Frontrunner; fwd=stale`: it answers because the new run failed (RFC 9211).',
      schema: text,
      example: 'Frontrunner; hit',
    },
  },
  retryAfter: {
    'Retry-After': { description: 'Seconds to wait before the next try.', schema: integer, example: 1 },
  },
};
