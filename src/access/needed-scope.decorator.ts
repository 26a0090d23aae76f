import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiSecurity } from '../http/open-api.js';
import type { NeededScope } from './scope.js';

/** Metadata key for the scopes that an operation needs; an empty list when any key will do. */
export const NEEDED_SCOPE = 'frontrunner:needed-scope';

/** Metadata key for operations that show and change only runs of the request's `onlyClient`, where it is set. */
export const KEEPS_TO_OWN_RUNS = 'frontrunner:keeps-to-own-runs';

/** The names of the security schemes in the OpenAPI document. */
export const SECURITY_SCHEME = 'apiKey';
export const STREAM_TOKEN_SCHEME = 'streamToken';

/** The same key in another header. */
export const HEADER_SCHEME = 'apiKeyHeader';

/** The session of a browser. */
export const SESSION_SCHEME = 'session';

/** Sets the scopes that an operation needs (all of them). Default by method: runs:read for GET and HEAD, runs:write otherwise. */
export function NeedsScope(...scopes: readonly NeededScope[]): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(NEEDED_SCOPE, scopes), ApiSecurity(SECURITY_SCHEME, [...scopes]));
}

/**
 * Marks operations that restrict themselves to the runs of `contextOf(request).onlyClient`, where it is set. Keys that are limited to
 * their own runs may use these operations.
 */
export function KeepsToOwnRuns(): MethodDecorator & ClassDecorator {
  return SetMetadata(KEEPS_TO_OWN_RUNS, true);
}

/** Marks event streams, which can be opened with a stream token or with a key. */
export function TakesStreamToken(): MethodDecorator {
  return applyDecorators(ApiSecurity(SECURITY_SCHEME, ['runs:read']), ApiSecurity(STREAM_TOKEN_SCHEME));
}

/** Marks operations that show nothing of any run: any key may use them. */
export function NeedsAnyKey(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(NEEDED_SCOPE, []), ApiSecurity(SECURITY_SCHEME));
}
