import { urlOf } from './api.js';
import { useEffect, useState } from './html.js';

/** @typedef {{ keyNeeded: boolean, client: string | null, scopes: string[], until: string | null }} Session */

/**
 * Who is signed in; undefined where the service doesn't say, as within an application that has guards of its own.
 *
 * @returns {Promise<Session | undefined>}
 */
async function askSession() {
  try {
    const response = await fetch(urlOf('/session'), { headers: { Accept: 'application/json' } });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

function leadToSignIn() {
  const signIn = urlOf('/sign-in');
  signIn.searchParams.set('next', `/ui/${location.hash}`);
  location.assign(signIn);
}

/** Leads to the sign-in where a key is needed and nobody is signed in, or not any more. */
export async function requireSession() {
  const session = await askSession();
  if (session?.keyNeeded && session.client === null) leadToSignIn();
}

export async function signOut() {
  await fetch(urlOf('/session'), { method: 'DELETE' });
  leadToSignIn();
}

/** Who is signed in, as the service said when the page was opened. */
export function useSession() {
  const [session, setSession] = useState(/** @type {Session | undefined} */ (undefined));
  useEffect(() => void askSession().then(setSession), []);
  return session;
}

/**
 * Why a key can't do something; undefined where it can, or where it isn't known.
 *
 * @param {Session | undefined} session
 * @param {string} scope
 */
export function missingScope(session, scope) {
  if (!session?.keyNeeded || session.scopes.includes(scope)) return undefined;
  return `The key ${session.client ?? ''} lacks the scope ${scope}`;
}
