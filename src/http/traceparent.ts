/** Version, trace id, parent id and flags, and then whatever a version after 00 adds. */
const FORM = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/**
 * A `traceparent` header as version 00 of W3C Trace Context has it: of a higher version, the fields that 00 knows.
 * Undefined when it isn't valid: https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(header: string): string | undefined {
  const [match, version, rest] = FORM.exec(header) ?? [];
  if (match === undefined || (version === '00' && rest !== undefined)) return undefined;
  return `00${match.slice(2, 55)}`;
}
