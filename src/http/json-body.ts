import type { IncomingMessage } from 'node:http';
import { BadRequestException, PayloadTooLargeException, UnsupportedMediaTypeException } from '@nestjs/common';
import express, { type Request, type RequestHandler } from 'express';
import { DomainError, freezeRequest } from '../core/domain-error.js';
import { parseJson } from '../core/exact-json.js';
import { memoryBytes, type JsonValue } from '../core/json.js';
import type { ConnectionMemory } from './connection-memory.js';
import { FORM_TYPE, type Operations } from './operations.js';

const JSON_TYPES = ['application/json', 'application/*+json'];

/** JSON is UTF-8 (RFC 8259, 8.1); UTF-16 and UTF-32 are accepted too. */
const OTHER_CHARSET = /;\s*charset\s*=\s*"?(?!utf-)/i;

/** Smaller bodies are not counted while they arrive. */
const COUNTED_FROM_BYTES = 16 * 2 ** 10;

/**
 * Reads the JSON body of an operation, of at most `maxBytes`. Other bodies are refused, except forms where the operation takes them. A
 * missing body reads as `{}`. A body that was read before stays as it is.
 */
export function jsonBody(
  maxBytes: number,
  operations: Operations,
  memory: ConnectionMemory,
): RequestHandler[] {
  return [
    (request, response, next) => {
      const operation = request.body === undefined ? operations.find(request) : undefined;
      if (operation?.takesForm && isForm(request))
        readForm(request, response, (error?: unknown) => {
          next(error ?? 'route');
        });
      else next(operation ? undefined : 'route');
    },
    requireJson,
    requireFitting(maxBytes),
    countWhileItArrives(maxBytes, memory),
    continueOnceRead,
    express.text({ limit: maxBytes, type: (request) => isJson(request as Request), verify: requireType }),
    parseBody,
  ];
}

/** Whether a body is that of a form. */
export function isForm(request: Pick<Request, 'is'>): boolean {
  return request.is(FORM_TYPE) === FORM_TYPE;
}

const readForm = express.urlencoded({ extended: false, limit: '10kb', parameterLimit: 10 });

/** Counts a body until it is answered, and refuses bodies that there is no memory for. */
export function countWhatWasRead(memory: ConnectionMemory): RequestHandler {
  return (request, response, next) => {
    const bytes = memoryBytes(request.body as JsonValue);
    if (!memory.take(bytes)) throw tooManyBodies();
    response.once('close', () => {
      memory.give(bytes);
    });
    next();
  };
}

/** Whether a body is marked as JSON, or has no type. */
function isJson(request: Pick<Request, 'headers' | 'is'>): boolean {
  const { 'content-type': type } = request.headers;
  return type === undefined || (request.is(JSON_TYPES) !== false && !OTHER_CHARSET.test(type));
}

/** Refuses a body that isn't marked as JSON: a web page can send such a body without a preflight (CORS). */
const requireJson: RequestHandler = (request, _response, next) => {
  const { 'content-length': length, 'content-type': type } = request.headers;
  if (length !== '0' && (type === undefined ? length !== undefined : !isJson(request))) throw unmarked(type);
  next();
};

/** Refuses a body without a type once it is read. Earlier isn't possible: some clients without a body announce one in chunks. */
function requireType({ headers }: IncomingMessage, _response: unknown, body: Buffer): void {
  const type = headers['content-type'];
  if (type === undefined && body.length > 0) throw unmarked(type);
}

function unmarked(type: string | undefined): UnsupportedMediaTypeException {
  const what = type === undefined ? 'The body has no Content-Type' : `The Content-Type is ${type}`;
  return new UnsupportedMediaTypeException(`${what}; send application/json`);
}

/** Refuses a body whose declared size is too large, without waiting for it. */
function requireFitting(maxBytes: number): RequestHandler {
  return ({ headers }, _response, next) => {
    const { 'content-length': length, 'content-encoding': encoding } = headers;
    if (encoding === undefined && Number(length) > maxBytes)
      throw new PayloadTooLargeException(`The body has ${length} bytes; at most ${maxBytes} are taken`);
    next();
  };
}

/** Refuses bodies that there is no memory for, before they arrive. A body of unknown size counts as the largest. */
function countWhileItArrives(maxBytes: number, memory: ConnectionMemory): RequestHandler {
  return (request, _response, next) => {
    const { 'content-length': length = 0, 'transfer-encoding': coding } = request.headers;
    const bytes = coding === undefined ? Number(length) : maxBytes;
    if (bytes > COUNTED_FROM_BYTES) {
      if (!memory.take(bytes)) throw tooManyBodies();
      request.once('close', () => {
        memory.give(bytes);
      });
    }
    next();
  };
}

function tooManyBodies(): DomainError {
  return new DomainError('overloaded', 'The bodies of other requests take as much memory as is allowed');
}

/** Sends `100 Continue` as soon as the service begins to read the body: all checks before the body have passed. */
const continueOnceRead: RequestHandler = (request, response, next) => {
  if (request.headers.expect !== undefined) {
    const listening = (event: string | symbol): void => {
      if (event !== 'data') return;
      request.off('newListener', listening);
      response.writeContinue();
    };
    request.on('newListener', listening);
  }
  next();
};

/** Parses the text, and refuses JSON that is nested too deeply for recursive code, before any validation. */
const parseBody: RequestHandler = (request, _response, next) => {
  const text = request.body as string | undefined;
  request.body = text ? parsed(text) : {};
  freezeRequest(request.body as JsonValue, '');
  next();
};

function parsed(text: string): JsonValue {
  try {
    return parseJson(text) as JsonValue;
  } catch (error) {
    throw new BadRequestException((error as Error).message, { cause: { type: 'entity.parse.failed' } });
  }
}
