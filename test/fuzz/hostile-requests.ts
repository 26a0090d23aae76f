import fc from 'fast-check';
import { bytesOf, WireRequest, type RequestParts } from './wire-request.ts';

/** Framing that proxies and servers have been known to read differently, and framing that is plainly wrong. */
const framings: readonly (readonly string[])[] = [
  ['Content-Length: 5', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 5'],
  ['Content-Length: 5', 'Content-Length: 6'],
  ['Content-Length: 5, 5'],
  ['Content-Length: -1'],
  ['Content-Length: +5'],
  ['Content-Length: 0x5'],
  ['Content-Length: 5e0'],
  ['Content-Length: 99999999999999999999'],
  ['Content-Length: 1000000000'],
  ['Content-Length : 5'],
  [' Content-Length: 5'],
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding: chunked, identity'],
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding:\x0bchunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  ['Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Trailer: X-T'],
  [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  ],
  ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
  ['Connection: keep-alive, close', 'Keep-Alive: timeout=1'],
  ['Connection: Host'],
  ['X-Folded: a', ' b', '\tc'],
  ['No colon here'],
  [': no name'],
  ['N\xe4me: x'],
];

const bodies: readonly string[] = [
  '',
  '{"a":',
  '0\r\n\r\n',
  '2\r\n{}\r\n0\r\n\r\n',
  '2\r\n{}\r\n0\r\nX-T: 1\r\n__proto__: 2\r\n\r\n',
  '2;ext="x"\r\n{}\r\n0\r\n\r\n',
  `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
  `${'1\r\n \r\n'.repeat(2_000)}0\r\n\r\n`,
  'FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n',
  '-1\r\n{}\r\n0\r\n\r\n',
  'z\r\n{}\r\n',
  '2\n{}\n0\n\n',
  '{}\r\n\r\nGET /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n',
];

const firstLines: readonly string[] = [
  'GET /tasks HTTP/1.0',
  'GET /tasks HTTP/0.9',
  'GET /tasks HTTP/2.0',
  'GET /tasks HTTP/1.1 x',
  'GET /tasks',
  'GET  /tasks  HTTP/1.1',
  'GET\t/tasks\tHTTP/1.1',
  'GET /ta sks HTTP/1.1',
  'GET /tasks\x00 HTTP/1.1',
  'GET tasks HTTP/1.1',
  'GET ?a HTTP/1.1',
  'GET # HTTP/1.1',
  'GET /tasks#fragment HTTP/1.1',
  'GET http://other.example/tasks HTTP/1.1',
  'GET http:///tasks HTTP/1.1',
  'GET https://[::1/tasks HTTP/1.1',
  'GET ftp://x/tasks HTTP/1.1',
  'GET //other.example/tasks HTTP/1.1',
  'GET /\\other.example/ HTTP/1.1',
  'POST //tasks/demo/runs HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'GET * HTTP/1.1',
  'CONNECT localhost:80 HTTP/1.1',
  'CONNECT /tasks HTTP/1.1',
  'FOO /tasks HTTP/1.1',
  'M-SEARCH * HTTP/1.1',
  'PRI * HTTP/2.0',
  'HTTP/1.1 200 OK',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  '\x00',
  '',
];

/** Bytes that are no whole request, or not by every reading; some are made of requests that would be valid. */
export function hostileRequests(valid: fc.Arbitrary<RequestParts>): fc.Arbitrary<WireRequest> {
  const hosts = fc.constantFrom(
    'Host: localhost',
    '',
    'Host: a\r\nHost: b',
    'Host: \xff@:99999999',
    `Host: ${'h'.repeat(9_000)}`,
  );
  const line = fc.oneof(
    fc.constantFrom(...firstLines),
    valid.map(({ method, target, version }) => `${method} ${target} ${version}`),
  );
  const framed = fc
    .tuple(line, hosts, fc.constantFrom([], ...framings), fc.constantFrom(...bodies))
    .map(([line, host, framing, body]) => {
      const lines = [line, ...[host, ...framing].filter((header) => header !== '')];
      return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
    });
  const whole = valid.map((parts) => bytesOf(parts));
  const cut = fc.tuple(whole, fc.nat()).map(([bytes, place]) => bytes.subarray(0, place % bytes.length));
  const flipped = fc
    .tuple(whole, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 }))
    .map(([bytes, flips]) => {
      for (const [place, byte] of flips) bytes[place % bytes.length] = byte;
      return bytes;
    });
  const garbage = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc
    .oneof({ weight: 3, arbitrary: framed }, cut, flipped, garbage)
    .map((bytes) => new WireRequest('hostile', bytes, false));
}
