import { urlOf } from './address.js';
import { useEffect, useLayoutEffect, useState } from './html.js';

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

/** How often a page in sight looks whether its session is still good, in milliseconds. */
const LOOK_EVERY_MS = 30_000;

/**
 * Leads to the sign-in when the session has ended, be it in another tab: event streams that are open outlive it.
 *
 * @returns {() => void} stops looking
 */
function watchSession() {
  const look = () => {
    if (!document.hidden) void requireSession();
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

/** @param {Session | undefined} session */
export function isSignedIn(session) {
  return Boolean(session?.client && session.until !== null);
}

/** Who may do what, as the service said when the page was opened. Whoever is signed in is watched. */
export function useWatchedSession() {
  const session = useSession();
  const isIn = isSignedIn(session);
  // Not a plain effect: it comes after the painting, and a change in between would go unseen for 30 s.
  useLayoutEffect(() => (isIn ? watchSession() : undefined), [isIn]);
  return session;
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
