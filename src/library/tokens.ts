import { Inject } from '@nestjs/common';
import { DEFAULT_NAME } from './feature.js';
import { Frontrunner } from './frontrunner.js';

/** The injection token of an instance: the class `Frontrunner`, or for a named instance a token of its own. */
export function getFrontrunnerToken(name = DEFAULT_NAME): typeof Frontrunner | string {
  return name === DEFAULT_NAME ? Frontrunner : `Frontrunner:${name}`;
}

/** The injection token of an instance's options. Tests may override them: `{ database: 'memory:' }`. */
export function getFrontrunnerOptionsToken(name = DEFAULT_NAME): string {
  return `FrontrunnerOptions:${name}`;
}

/** Injects the instance with this name. Default: the instance without a name. */
export function InjectFrontrunner(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getFrontrunnerToken(name));
}
