import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import type { Scope } from './scope.js';

/** The metadata that says which scope an operation needs, null where any key will do. */
export const NEEDED_SCOPE = 'frontrunner:needed-scope';

/** The name of the security scheme in the OpenAPI document. */
export const SECURITY_SCHEME = 'apiKey';

/** For an operation that needs another scope than its method says: runs:read for GET and HEAD, runs:write otherwise. */
export function NeedsScope(scope: Scope): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(NEEDED_SCOPE, scope), ApiSecurity(SECURITY_SCHEME, [scope]));
}

/** For operations that show nothing of any run: whoever has a key may use them. */
export function NeedsAnyKey(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(NEEDED_SCOPE, null), ApiSecurity(SECURITY_SCHEME));
}
