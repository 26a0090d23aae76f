import { UsageError } from '../command-line/command.js';

/**
 * Where the service is, without a slash at the end. No message shows what was given: a URL may hold secrets.
 *
 * @param text a URL. Default: what HOST and PORT of the environment say
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

/** A name as a part of a path. @throws {UsageError} for those that lead to another path */
export function pathPart(name: string): string {
  if (['', '.', '..'].includes(name)) throw new UsageError(`There is nothing of the name "${name}"`);
  return encodeURIComponent(name);
}

/** An empty variable counts as unset. */
function said(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Where to call a service that listens on a host. */
function hostOf(host = ''): string {
  if (['', '0.0.0.0', '::'].includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
