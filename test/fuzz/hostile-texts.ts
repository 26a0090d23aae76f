/** Texts that are hard to read, by the place that they are sent in. Those of addresses and headers are in Latin-1. */

const words = (text: string): string[] => text.split(' ');

/** For a step of a path and for the value of a parameter, to the letter. */
export const addressTexts: readonly string[] = [
  ...words('% %zz %E0%A4 %00 %ff%fe %2e%2e .. . // %2F ; + %0d%0aX-Injected:%201 %F0%9F%98%80 \xe9\xff'),
  ...words('__proto__ constructor toString [] [a][b] {id} :id * ( \\ " \' <script> null NaN'),
  ...words('-1 0 1e400 0x10 9223372036854775808 2026-02-30T25:61:61Z 0000-01-01T00:00:00Z'),
  ...[200, 2_000, 12_000, 60_000].map((length) => 'x'.repeat(length)),
];

/** Headers with a meaning; those that say where a request ends are not among them. */
export const headerNames: readonly string[] = [
  ...words('Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cookie Expect Forwarded'),
  ...words('Content-Encoding Content-Language Content-Range Content-Type Host If-Match If-Modified-Since'),
  ...words('Idempotency-Key If-None-Match Last-Event-ID Origin Prefer Range TE Upgrade X-Forwarded-For'),
  ...words('X-Request-Id X-HTTP-Method-Override traceparent tracestate Via __proto__ constructor'),
  'Access-Control-Request-Method',
];

export const headerTexts: readonly string[] = [
  ...words(', ; "" " * \\ \xe9 W/"x" "\xe9" */* */*;q=0 text/event-stream application/json;q=nan a;b=c;d'),
  ...words('gzip br,identity;q=0 zip 100-continue 200-ok a/b/c multipart/form-data text/plain'),
  ...words('application/json;charset=utf-7 application/json;charset= wait=1e400 wait=-1 wait="1" wait'),
  ...words('wait=0,respond-async Bearer null undefined -1 99999999999999999999'),
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ...['', ' ', '\t', '\x00', '\x0b', '\x7f', 'Bearer \xff', 'Basic Og=='],
  ...['x\r\nX-Injected: 1', 'x\nX-Injected: 1', 'x\rX-Injected: 1'],
  ...[256, 4_000, 20_000].map((length) => 'v'.repeat(length)),
  'a=b;q=0.1,'.repeat(500),
];

export const methods: readonly string[] = words(
  'GET HEAD POST PUT PATCH DELETE OPTIONS TRACE QUERY PROPFIND get BREW',
);

/** For a value of JSON or a whole body: as `JSON.stringify` would never write it. */
export const jsonTexts: readonly string[] = [
  ...words('1e400 -1e400 -0 1e-400 9223372036854775808 0.1e+2 NaN Infinity 0x10 01 1. .5 +1 undefined // []'),
  ...words(String.raw`"\ud800" "\udc00\ud800" "\u0000" "\x" "\" " 'x' [ } {"":1} {"a":1,} [1,] {a:1}`),
  ...words(String.raw`{"a":1,"a":2} {"__proto__":{"a":1}} {"\u005f_proto__":1} {"toJSON":1,"then":1}`),
  ...['', ' ', '"\n"', '"\u202e\ufeff"', '{"constructor":{"prototype":{"a":1}}}', '1'.repeat(400)],
  ...[90, 150, 5_000, 50_000, 120_000].map((levels) => '['.repeat(levels) + ']'.repeat(levels)),
  ...[90, 150, 15_000].map((levels) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`),
  `{${Array.from({ length: 9_000 }, (_, key) => `"k${key}":0`).join(',')}}`,
  ...[45_000, 60_000].map((items) => `[${'0,'.repeat(items)}0]`),
  ...[45_000, 55_000].map((characters) => `"${'é'.repeat(characters)}"`),
];

/** How many headers: Node takes 16 KiB of them, of which it keeps 2,000. */
export const headerCounts: readonly number[] = [50, 2_500, 10_000];
