import { TaskDeclarationError } from '../tasks/declared.js';
import { hostMistake } from './address-guard.js';
import { hasVariableOrigin, urlTemplate, variablesOfUrl } from './environment-url.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';
import type { Environment } from './template-text.js';
import { usesOf, type Use } from './template-uses.js';

/** A problem with an environment variable that options name. `path` leads to the member that names it. */
export interface EnvironmentIssue {
  readonly path: Use['path'];
  readonly message: string;
}

/** Finds environment variables that options name and that are not set, or whose values can't be used there. No message has a value. */
export function environmentIssues(options: HttpRequestOptions, environment: Environment): EnvironmentIssue[] {
  const issues = usesOf(options).environment.flatMap(({ path, name }) => {
    const message = valueMistake(name, environment[name], path[0] === 'headers');
    return message === undefined ? [] : [{ path, message }];
  });
  const mistake = issues.some(({ path }) => path[0] === 'url') ? undefined : urlMistake(options, environment);
  return mistake === undefined ? issues : [{ path: ['url'], message: mistake }, ...issues];
}

/** @throws {TaskDeclarationError} that names each variable */
export function requireEnvironment(options: HttpRequestOptions, environment: Environment): void {
  const issues = environmentIssues(options, environment);
  if (issues.length === 0) return;
  const lines = issues.map(({ path, message }) => `${path.join('.')} of ${options.url} ${message}`);
  throw new TaskDeclarationError(lines.join('\n'));
}

/** The origins that a sub-task may call: its own, and those to which redirects may lead. */
export function originsOf({ url, redirects = [] }: HttpRequestOptions, environment: Environment): string[] {
  const { origin } = urlTemplate(url, (name) => environment[name] ?? '');
  return [origin, ...redirects.map((other) => new URL(other).origin)];
}

/** The texts from the environment that must stay secret: the values, and the host and path that they form. */
export function secretsOf(options: HttpRequestOptions, environment: Environment): string[] {
  const values = usesOf(options).environment.map(({ name }) => environment[name] ?? '');
  if (!hasVariableOrigin(options.url)) return values;
  const { origin, hostname } = urlTemplate(options.url, (name) => environment[name] ?? '');
  const paths = values.map((value) => (value.includes('://') ? (URL.parse(value)?.pathname ?? '') : ''));
  return [...values, ...paths, hostname, origin.replace(/^.*:\/\//, '')];
}

function valueMistake(name: string, value: string | undefined, inHeader: boolean): string | undefined {
  if (value === undefined || value === '')
    return `takes the environment variable ${name}, which is not set; set it`;
  if (inHeader && !/^[\t\x20-\x7e]*$/.test(value))
    return `takes the environment variable ${name}, whose value has a line break or a character that is no ASCII`;
  return undefined;
}

/** The problem with a URL whose variables are all set; undefined without one. */
function urlMistake({ url, allowPrivate }: HttpRequestOptions, environment: Environment): string | undefined {
  const names = [...new Set(variablesOfUrl(url))].join(' and ');
  if (names === '') return undefined;
  try {
    const { hostname } = urlTemplate(url, (name) => environment[name] ?? '');
    if (allowPrivate || hostMistake(hostname) === undefined) return undefined;
    return `leads to no public address with the value of ${names}; write allowPrivate: true beside it if it is meant`;
  } catch {
    return `is no URL with the value of ${names}; before the path it takes a host such as api.example.com, or all of https://api.example.com`;
  }
}
