import { UnsupportedMediaTypeException } from '@nestjs/common';
import express, { type Request, type RequestHandler } from 'express';
import { freezeRequest } from '../tasks/domain-error.js';
import type { JsonValue } from '../tasks/json.js';

const JSON_TYPES = ['application/json', 'application/*+json'];

/** Reads JSON bodies of at most `maxBytes`, and refuses bodies of any other kind; a missing body reads as `{}`. */
export function jsonBody(maxBytes: number): RequestHandler[] {
  return [
    requireJson,
    express.json({ limit: maxBytes, strict: false, type: (request) => isJson(request as Request) }),
    checkBody,
  ];
}

/** A body of unknown type counts as JSON: clients that send no body often send no type, but announce a body. */
function isJson(request: Pick<Request, 'headers' | 'is'>): boolean {
  return request.headers['content-type'] === undefined || request.is(JSON_TYPES) !== false;
}

const requireJson: RequestHandler = (request, _response, next) => {
  if (request.headers['content-length'] !== '0' && !isJson(request)) {
    const type = request.headers['content-type'] ?? '';
    throw new UnsupportedMediaTypeException(`The Content-Type is ${type}; send application/json`);
  }
  next();
};

/** Refuses what no recursive reader could take, before any validation meets it. */
const checkBody: RequestHandler = (request, _response, next) => {
  if (request.body === undefined) request.body = {};
  freezeRequest(request.body as JsonValue, '');
  next();
};
