/** What keeps the service from knowing who may call it. The message says how to mend it. */
export class AccessError extends Error {
  override name = 'AccessError';
}
