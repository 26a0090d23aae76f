import type { TokenError } from './bearer-token.js';
import type { NeededScope } from './scope.js';

/** The value of `WWW-Authenticate` (RFC 6750, section 3). @param scope the scope that the operation needs */
export function challenge(error?: TokenError, scope?: NeededScope): string {
  const parameters = { realm: 'frontrunner', ...(error && { error }), ...(scope && { scope }) };
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `Bearer ${pairs.join(', ')}`;
}
