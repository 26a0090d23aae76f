/** A service answered with an error, or no service answered. */
export class ServiceError extends Error {
  override name = 'ServiceError';

  constructor(
    message: string,
    /** The status of the answer; undefined without an answer. */
    readonly status?: number,
    /** The exit code of a command that ends with this error. */
    readonly exitCode: 1 | 3 = status === undefined ? 3 : 1,
    /** The `Retry-After` header of the answer. */
    readonly retryAfter?: string | null,
  ) {
    super(message);
  }

  /**
   * Whether the same request may succeed later. A problem document with 502 or 504 is the answer of a run. A proxy's answer with these
   * isn't a problem document.
   */
  get passes(): boolean {
    const { status, exitCode } = this;
    if (status === undefined || status === 429) return true;
    return status >= 500 && (exitCode === 3 || ![502, 504].includes(status));
  }
}
