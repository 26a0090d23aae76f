import { z } from 'zod';
import { parseHosts, parsePaths, parseProxies, parsePublicUrl, parseRate, port, proxy } from './values.js';
import type { Variables } from './variable.js';

/** Variables about where the service listens, which callers it answers, and which servers it calls. */
export const callVariables = {
  HOST: {
    schema: z.string(),
    fallback: '127.0.0.1',
    takes: 'an address or a host name',
    purpose: 'Where the service listens.',
  },
  PORT: {
    schema: port,
    fallback: '3000',
    takes: 'a whole number from 0 to 65535; 0 lets the system choose',
    purpose: 'The port it listens on.',
  },
  PUBLIC_URL: {
    schema: z
      .string()
      .transform(parsePublicUrl)
      .refine((url) => url !== undefined),
    fallback: 'none',
    takes: 'none, or a URL without a query such as https://api.example.com/frontrunner',
    purpose: 'Where callers reach the service: what links begin with.',
  },
  TRUSTED_PROXIES: {
    schema: z
      .string()
      .transform(parseProxies)
      .refine((proxies) => proxies !== undefined),
    fallback: 'none',
    takes:
      'none, or addresses, networks such as 10.0.0.0/8, loopback, linklocal and uniquelocal, separated by commas',
    purpose: 'The proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed.',
  },
  METRICS_PORT: {
    schema: z.union([z.literal('none').transform(() => null), port]),
    fallback: 'none',
    takes: 'none, or a whole number from 0 to 65535; 0 lets the system choose',
    purpose:
      'A port for /metrics alone, where nobody needs a key. Without it /metrics is on PORT, where a key needs metrics:read.',
  },
  METRICS_HOST: {
    schema: z.string(),
    fallback: '127.0.0.1',
    takes: 'an address or a host name',
    purpose: 'Where METRICS_PORT listens. Whoever reaches it reads the metrics.',
  },
  TASKS_FILE: {
    schema: z
      .string()
      .transform(parsePaths)
      .refine((paths) => paths !== undefined),
    fallback: 'none',
    takes:
      'none, or paths of YAML or JSON files, and of folders of them, separated by commas, in which frontrunner check finds no mistake',
    purpose: 'Tasks besides those of the code, such as calls of several upstreams.',
  },
  HTTP_PROXY: {
    schema: proxy,
    fallback: 'none',
    takes: 'an HTTP proxy such as http://user:password@proxy.example:3128, or none',
    purpose:
      'The proxy through which upstreams of http are called. http_proxy is the same, and counts first.',
  },
  HTTPS_PROXY: {
    schema: proxy,
    fallback: 'none',
    takes: 'an HTTP proxy such as http://user:password@proxy.example:3128, or none',
    purpose:
      'The proxy through which upstreams of https are called. https_proxy is the same, and counts first.',
  },
  NO_PROXY: {
    schema: z.string().transform((text) => (text === 'none' ? [] : text.split(/[\s,]+/).filter(Boolean))),
    fallback: 'none',
    takes:
      'hosts such as example.com (and all below it), addresses, networks such as 10.0.0.0/8, or *, separated by commas',
    purpose: 'The upstreams that are called without a proxy. no_proxy is the same, and counts first.',
  },
  API_KEYS_FILE: {
    schema: z.string().transform((path) => (path === 'none' ? null : path)),
    fallback: 'none',
    takes: 'the path of a file that frontrunner keys has made, or none',
    purpose: 'The API keys of which every caller needs one. Without them only this machine may call.',
  },
  ALLOW_ANONYMOUS: {
    schema: z.enum(['true', 'false']).transform((text) => text === 'true'),
    fallback: 'false',
    takes: 'true or false',
    purpose: 'Whether the service may listen where others reach it although nobody needs a key.',
  },
  ALLOWED_HOSTS: {
    schema: z
      .string()
      .transform(parseHosts)
      .refine((hosts) => hosts !== undefined),
    fallback: 'none',
    takes: 'none, or host names such as runs.internal, separated by commas and without a port',
    purpose:
      'The names besides localhost, HOST and that of PUBLIC_URL that callers without a key may call the service by; by another, 421.',
  },
  RATE_LIMIT: {
    schema: z.union([
      z.enum(['auto', 'off']),
      z
        .string()
        .transform(parseRate)
        .refine((rate) => rate !== undefined),
    ]),
    fallback: 'auto',
    takes:
      'a count and a duration of whole seconds such as 1000/1m, off, or auto: off on loopback without TRUSTED_PROXIES, else 1000/1m',
    purpose: 'How many requests a caller has, by its key or else its address; past it, 429.',
  },
} satisfies Variables;
