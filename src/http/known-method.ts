/** The methods of RFC 9110 and RFC 5789, and QUERY. */
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

/** Whether telemetry shows the name of a method. Callers may invent others. */
export function isKnownMethod(method: string): boolean {
  return METHODS.has(method);
}
