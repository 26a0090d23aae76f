/** Headers of the request that started a run, by their names in lower case. */
export type CallerHeaders = Readonly<Record<string, string>>;

/** Form of a header's name (RFC 9110, 5.1). */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

export const NO_HEADERS: CallerHeaders = Object.freeze({});

/** The value of a header; undefined where the request had none. @param name in lower case */
export function callerHeader(headers: CallerHeaders, name: string): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}
