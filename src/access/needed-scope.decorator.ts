import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiSecurity } from '../http/open-api.js';
import type { NeededScope } from './scope.js';

/** The metadata that says which scopes an operation needs; none where any key will do. */
export const NEEDED_SCOPE = 'frontrunner:needed-scope';

/** The metadata of operations that show and change no runs but those of `onlyClient` of their request, where it has one. */
export const KEEPS_TO_OWN_RUNS = 'frontrunner:keeps-to-own-runs';

/** The names of the security schemes in the OpenAPI document. */
export const SECURITY_SCHEME = 'apiKey';
export const STREAM_TOKEN_SCHEME = 'streamToken';

/** The same key, in a header of its own. */
export const HEADER_SCHEME = 'apiKeyHeader';

/** The session of a browser. */
export const SESSION_SCHEME = 'session';

/** For an operation that needs other scopes, all of them, than its method says: runs:read for GET and HEAD, runs:write otherwise. */
export function NeedsScope(...scopes: readonly NeededScope[]): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(NEEDED_SCOPE, scopes), ApiSecurity(SECURITY_SCHEME, [...scopes]));
}

/**
 * For operations that keep to the runs of `contextOf(request).onlyClient` where that is set: keys that are good for their own runs alone
 * may use them.
 */
export function KeepsToOwnRuns(): MethodDecorator & ClassDecorator {
  return SetMetadata(KEEPS_TO_OWN_RUNS, true);
}

/** For event streams, which a stream token opens as well as a key. */
export function TakesStreamToken(): MethodDecorator {
  return applyDecorators(ApiSecurity(SECURITY_SCHEME, ['runs:read']), ApiSecurity(STREAM_TOKEN_SCHEME));
}

/** For operations that show nothing of any run: whoever has a key may use them. */
export function NeedsAnyKey(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(NEEDED_SCOPE, []), ApiSecurity(SECURITY_SCHEME));
}
