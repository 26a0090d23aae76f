import { UnsupportedMediaTypeException } from '@nestjs/common';
import express, { type RequestHandler } from 'express';
import { invalidRequest } from '../tasks/domain-error.js';
import { freezeJson, JsonError, type JsonValue } from '../tasks/json.js';

const JSON_TYPES = ['application/json', 'application/*+json'];

/** Reads JSON bodies of at most `maxBytes`, and refuses bodies of any other kind; a missing body reads as `{}`. */
export function jsonBody(maxBytes: number): RequestHandler[] {
  return [requireJson, express.json({ limit: maxBytes, strict: false, type: JSON_TYPES }), checkBody];
}

const requireJson: RequestHandler = (request, _response, next) => {
  if (request.is(JSON_TYPES) === false) {
    const type = request.headers['content-type'] ?? 'missing';
    throw new UnsupportedMediaTypeException(`The Content-Type is ${type}; send application/json`);
  }
  next();
};

/** Refuses what no recursive reader could take, before any validation meets it. */
const checkBody: RequestHandler = (request, _response, next) => {
  request.body ??= {};
  try {
    freezeJson(request.body as JsonValue);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw invalidRequest([{ pointer: '', detail: error.message }]);
  }
  next();
};
