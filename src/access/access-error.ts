/** The service can't determine who may call it. The message says how to correct that. */
export class AccessError extends Error {
  override name = 'AccessError';
}
