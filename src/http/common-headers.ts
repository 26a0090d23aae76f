import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

export const NO_STORE = 'no-store';

/** `Cache-Control` of files that change only with the version of the service. */
export const CACHE_AN_HOUR = 'max-age=3600';

/**
 * Helmet's headers, for a service that shows only its own pages, and that doesn't know whether TLS is in front of it. Headers that only very
 * old browsers use, or that change nothing, are off: each header costs every request.
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

// Helmet runs once, because its headers are the same for all requests.
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
