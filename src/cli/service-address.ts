import { UsageError } from '../command-line/command.js';

/**
 * The address of the service, without a trailing slash. No message shows the given text, because a URL may contain secrets.
 *
 * @param text a URL. Default: made from HOST and PORT of the environment
 * @throws {UsageError}
 */
export function addressOf(text: string | undefined, env: NodeJS.ProcessEnv): string {
  const address = said(text) ?? `http://${hostOf(env.HOST)}:${said(env.PORT) ?? '3000'}`;
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new UsageError(
      'The service is at a URL such as http://127.0.0.1:3000, without ? and #; mend --url, FRONTRUNNER_URL, or HOST and PORT',
    );
  if (url.username !== '' || url.password !== '')
    throw new UsageError(
      'The URL of the service has a user or a password, which the service doesn’t take; set FRONTRUNNER_API_KEY to a key of the service instead',
    );
  if (url.port === '0') throw new UsageError('PORT is 0: say where the service is with --url');
  return url.href.replace(/\/+$/, '');
}

/** A name as a segment of a path. @throws {UsageError} for a name that would lead to another path */
export function pathPart(name: string): string {
  if (['', '.', '..'].includes(name)) throw new UsageError(`There is nothing of the name "${name}"`);
  return encodeURIComponent(name);
}

/** An empty variable counts as unset. */
function said(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** The host to call for a service that listens on the given one. */
function hostOf(host = ''): string {
  if (['', '0.0.0.0', '::'].includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
