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

  /** Whether the same request may be answered later. */
  get passes(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500;
  }
}
