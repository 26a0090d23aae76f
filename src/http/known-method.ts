/** Those of RFC 9110, RFC 5789 and QUERY. */
const METHODS: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

/** Whether telemetry tells of a method by its name; any other may be a caller's invention. */
export function isKnownMethod(method: string): boolean {
  return METHODS.has(method);
}
