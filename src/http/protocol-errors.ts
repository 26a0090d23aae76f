import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BadRequestException, HttpException } from '@nestjs/common';
import type { RequestHandler } from 'express';
import { NO_STORE } from './common-headers.js';
import { problem, problemTypes, type ProblemCode } from './problems.js';
import type { Refusals } from './refusals.js';
import { isRepeated } from './repeated-header.js';

/** How long a refused caller may go on sending, in milliseconds: if the connection were closed at once, the answer would get lost. */
export const LINGER_MS = 1_000;

const codeOfError: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** How many callers that have ended their side are answered at a time: most of them have gone, but their answers cost the same. */
const MOST_HALF_CLOSED = 8;

/** Connections whose refusal waits for the answers to earlier requests. */
const answering = new WeakSet<Socket>();

/** `_httpMessage` is the response to the connection's current request. Node has no public name for it. */
type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null };

/**
 * Makes a server answer callers that have closed their sending side, as `nc -N` does. Node alone would close the connection without an
 * answer. Whether a caller has closed both sides only shows when something is written.
 */
export function answerHalfClosed(server: Server): void {
  // Node has had this property from its beginning, and has no option for it.
  Object.assign(server, { httpAllowHalfOpen: true });
  let halfClosed = 0;
  const closed = (): void => {
    halfClosed -= 1;
  };
  function ended(this: Socket): void {
    if (halfClosed >= MOST_HALF_CLOSED) {
      this.end();
      return;
    }
    halfClosed += 1;
    this.once('close', closed);
  }
  server.on('connection', (socket: Socket) => socket.once('end', ended));
}

/**
 * Makes a server answer with problem documents when Node would answer without a body: to requests that can't be read, have too large headers,
 * or arrive too slowly. Requests with an `Expect` header are handled like all others.
 *
 * @param base beginning of links, where no request decides
 * @param refusals counts the refused requests
 */
export function answerProtocolErrors(server: Server, base: string | undefined, refusals: Refusals): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: HttpSocket) => {
    refuse(error, socket, base, refusals);
  });
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    server.emit('request', request, response);
  };
  server.on('checkContinue', receive);
  server.on('checkExpectation', receive);
}

/**
 * Refuses requests with an unknown `Expect` or without `Host`, as Node does by default. Also refuses requests with several `Host` headers
 * (RFC 9112, 3.2).
 */
export const requireProtocol: RequestHandler = ({ headers, rawHeaders, httpVersion }, _response, next) => {
  const { expect, host } = headers;
  if (host === undefined && httpVersion === '1.1') throw new BadRequestException('There is no Host header');
  if (isRepeated(rawHeaders, 'host')) throw new BadRequestException('There is more than one Host header');
  if (expect !== undefined && !/^100-continue$/i.test(expect))
    throw new HttpException(`Of Expect, only 100-continue is known, not ${expect}`, 417);
  next();
};

function refuse(
  error: NodeJS.ErrnoException,
  socket: HttpSocket,
  base: string | undefined,
  refusals: Refusals,
): void {
  // Bytes after a refusal are an error again.
  if (socket.writableEnded || answering.has(socket)) return;
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { _httpMessage: response } = socket;
  // Sent now, the refusal would be taken for the answer to an earlier request, or for a part of that answer.
  if (response && (response.headersSent || response.req.complete)) {
    answering.add(socket);
    response.once('finish', () => {
      answering.delete(socket);
      refuse(error, socket, base, refusals);
    });
    return;
  }
  const code = codeOfError[error.code ?? ''] ?? 'bad-request';
  const detail =
    code === 'bad-request' ? `The request is malformed: ${error.message}` : problemTypes[code].happened;
  const requestId = response?.getHeader('X-Request-Id') ?? randomUUID();
  refusals.count(code, socket, undefined, String(requestId));
  socket.end(refusal(code, detail, String(requestId), base));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** The text of a whole answer that ends its connection. @param base beginning of links, where no request decides */
export function refusal(
  code: ProblemCode,
  detail: string,
  requestId: string,
  base: string | undefined,
): string {
  const { status } = problemTypes[code];
  const body = JSON.stringify(problem(code, detail, { base }));
  const retry = status === 503 ? ['Retry-After: 1'] : [];
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Date: ${new Date().toUTCString()}`,
    `X-Request-Id: ${requestId}`,
    `Cache-Control: ${NO_STORE}`,
    'X-Content-Type-Options: nosniff',
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...retry,
    '',
    body,
  ].join('\r\n');
}
