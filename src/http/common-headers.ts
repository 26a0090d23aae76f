import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

export const NO_STORE = 'no-store';

/** `Cache-Control` of files that change only with the version of the service. */
export const CACHE_AN_HOUR = 'max-age=3600';

/**
 * Helmet's headers, for a service whose only pages are its own, and which doesn't know of the TLS in front of it. Left
 * out are those that only browsers of long ago heed, or that change nothing here: each costs every request.
 */
const setSecurityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      // Swagger UI and the pages about problems bring styles of their own.
      'style-src': ["'self'", "'unsafe-inline'"],
      'object-src': ["'none'"],
      'base-uri': ["'none'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
  frameguard: { action: 'deny' },
  hsts: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});

/** Headers of every answer. Answers that depend on the moment or on the caller must not be stored. Others set their own header. */
const COMMON_HEADERS = new Map([['Cache-Control', NO_STORE]]);

// They are the same for all requests, so Helmet need not make them for each.
setSecurityHeaders(
  {} as IncomingMessage,
  {
    setHeader: COMMON_HEADERS.set.bind(COMMON_HEADERS),
    removeHeader: () => undefined,
  } as unknown as ServerResponse,
  () => undefined,
);

export const answerWithCommonHeaders: RequestHandler = (_request, response, next) => {
  response.setHeaders(COMMON_HEADERS);
  next();
};
