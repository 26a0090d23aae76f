/** Defaults of a webhook's options. */
export const WEBHOOK_DEFAULTS = {
  format: 'event',
  timeout: '15s',
  retry: { attempts: 18, delay: '5s', maxDelay: '6h' },
} as const;
