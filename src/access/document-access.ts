import type { OpenAPIObject } from '@nestjs/swagger';
import { problemResponse } from '../http/api-problems.decorator.js';
import { isOpenToAll, isPage, needsNoKey } from './open-paths.js';
import {
  HEADER_SCHEME,
  SECURITY_SCHEME,
  SESSION_SCHEME,
  STREAM_TOKEN_SCHEME,
} from './needed-scope.decorator.js';
import { defaultScopes, WRITES } from './scope.js';
import { COOKIE } from './sessions.js';

interface Operation {
  security?: Record<string, string[]>[];
  responses: Record<string, { headers?: Record<string, unknown> }>;
}

const SCHEME = {
  type: 'http' as const,
  scheme: 'bearer',
  description:
    'An API key, made by `frontrunner keys`. Where the service has keys (`API_KEYS_FILE`), every request but those for health needs one. Its scopes say what it is good for: `runs:write` starts and changes runs, `runs:read` looks at them; neither implies the other. `runs:write:own` and `runs:read:own` do so with the runs alone that the key itself has started: any other run is unknown to it (404). `webhooks:write` makes and changes webhooks, which are told of the runs that the key may look at. `admin` looks after the nodes, changes many runs at once, and reloads the tasks file. `metrics:read` reads `/metrics`.',
};

const HEADER = {
  type: 'apiKey' as const,
  in: 'header' as const,
  name: 'X-API-Key',
  description: 'The same key, for clients that can’t set `Authorization`, which counts where both are sent.',
};

const SESSION = {
  type: 'apiKey' as const,
  in: 'cookie',
  name: COOKIE,
  description:
    'The cookie of `POST /session`, for browsers: good for what the key is good for that it was made with, from pages of the service alone. Over TLS its name begins with `__Host-`, or with `__Secure-` below a path. A key in a header counts where both are sent.',
};

const STREAM_TOKEN = {
  type: 'apiKey' as const,
  in: 'query',
  name: 'token',
  description:
    'A token of `POST /stream-tokens`, for one event stream: readers that can’t send a header, such as `EventSource`, open it so. It is good for five minutes, with `Accept: text/event-stream` alone.',
};

const HEADERS = {
  'RateLimit-Policy': {
    description:
      'Where requests are limited: how many a caller has (`q`) in a window of so many seconds (`w`), as draft-ietf-httpapi-ratelimit-headers defines it.',
    schema: { type: 'string' as const },
    example: '"default";q=1000;w=60',
  },
  RateLimit: {
    description: 'How many of them are left (`r`) for so many seconds (`t`).',
    schema: { type: 'string' as const },
    example: '"default";r=999;t=59',
  },
};

/**
 * Documents for every operation except health which key it needs, and how it refuses callers without that key, beyond the rate limit, or
 * from web pages.
 */
export function documentAccess(document: OpenAPIObject): void {
  document.components = {
    ...document.components,
    securitySchemes: {
      [SECURITY_SCHEME]: SCHEME,
      [HEADER_SCHEME]: HEADER,
      [STREAM_TOKEN_SCHEME]: STREAM_TOKEN,
      [SESSION_SCHEME]: SESSION,
    },
    headers: { ...document.components?.headers, ...HEADERS },
  };
  document.security = [{ [SECURITY_SCHEME]: [] }, { [HEADER_SCHEME]: [] }, { [SESSION_SCHEME]: [] }];
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations as Record<string, Operation>)) {
      if (!isOpenToAll(path)) documentOperation(path, method, operation);
      if (isOpenToAll(path) || needsNoKey(path)) operation.security = [];
    }
  }
}

const TO_SIGN_IN = {
  description: 'A browser (`Accept: text/html`) without a key or a session is led to where it can sign in.',
  headers: {
    Location: { description: 'The address of the sign-in page.', schema: { type: 'string' as const } },
  },
};

function documentOperation(path: string, method: string, operation: Operation): void {
  const [needed = { [SECURITY_SCHEME]: [...defaultScopes(method)] }, ...others] = operation.security ?? [];
  const scopes = needed[SECURITY_SCHEME] ?? [];
  operation.security = [needed, { [HEADER_SCHEME]: scopes }, { [SESSION_SCHEME]: scopes }, ...others];
  const { responses } = operation;
  if (isPage(path)) responses['303'] ??= TO_SIGN_IN;
  responses['400'] ??= problemResponse(['bad-request']);
  responses['401'] ??= problemResponse(['unauthorized']);
  const writes = !/^(get|head)$/.test(method) || needed[SECURITY_SCHEME]?.includes(WRITES);
  responses['403'] ??= problemResponse(writes ? ['forbidden', 'foreign-page'] : ['forbidden']);
  responses['421'] ??= problemResponse(['misdirected-request']);
  responses['429'] ??= problemResponse(['too-many-requests']);
  for (const response of Object.values(responses))
    response.headers = { ...response.headers, ...rateLimitFields };
}

const rateLimitFields = Object.fromEntries(
  Object.keys(HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);
