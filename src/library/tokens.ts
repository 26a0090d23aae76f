import { Inject } from '@nestjs/common';
import { DEFAULT_NAME } from './feature.js';
import { Frontrunner } from './frontrunner.js';

/** What Nest has an instance under: the class `Frontrunner`, or for a named one a token of its own. */
export function getFrontrunnerToken(name = DEFAULT_NAME): typeof Frontrunner | string {
  return name === DEFAULT_NAME ? Frontrunner : `Frontrunner:${name}`;
}

/** What Nest has the options of an instance under, for tests to override: `{ database: 'memory:' }`. */
export function getFrontrunnerOptionsToken(name = DEFAULT_NAME): string {
  return `FrontrunnerOptions:${name}`;
}

/** Injects the instance of a name. */
export function InjectFrontrunner(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getFrontrunnerToken(name));
}
