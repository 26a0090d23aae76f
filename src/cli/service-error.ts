/** What a service that runs answers, or that none does. */
export class ServiceError extends Error {
  override name = 'ServiceError';

  constructor(
    message: string,
    /** The status of its answer; undefined where there is none. */
    readonly status?: number,
    /** Of a command that ends for it. */
    readonly exitCode: 1 | 3 = status === undefined ? 3 : 1,
    /** The header Retry-After of its answer. */
    readonly retryAfter?: string | null,
  ) {
    super(message);
  }

  /** Whether the same request may be answered later. A problem with 502 or 504 is the answer of a run: that of a proxy is no problem. */
  get passes(): boolean {
    const { status, exitCode } = this;
    if (status === undefined || status === 429) return true;
    return status >= 500 && (exitCode === 3 || ![502, 504].includes(status));
  }
}
