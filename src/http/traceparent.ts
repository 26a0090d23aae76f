/** Version, trace id, parent id and flags, and then whatever a version after 00 adds. */
const FORM = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/**
 * A `traceparent` header in the form of version 00. Of a higher version, only the fields that version 00 has are kept.
 * Undefined when the header isn't valid: https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(header: string): string | undefined {
  const [match, version, rest] = FORM.exec(header) ?? [];
  if (match === undefined || (version === '00' && rest !== undefined)) return undefined;
  return `00${match.slice(2, 55)}`;
}
