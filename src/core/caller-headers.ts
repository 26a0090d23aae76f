/** Headers of the request that started a run, by their names in lower case. */
export type CallerHeaders = Readonly<Record<string, string>>;

/** What a header may be named (RFC 9110, 5.1). */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

export const NO_HEADERS: CallerHeaders = Object.freeze({});

/** A header of that name; undefined where there is none. */
export function callerHeader(headers: CallerHeaders, name: string): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}
