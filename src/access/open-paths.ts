/** Paths for orchestrators and load balancers. They contain no data of callers. */
export function isOpenToAll(path: string): boolean {
  return /^\/health\//i.test(path);
}

/** Paths for signing in and out, and for showing the session. They need no key. A caller that presents one is counted by it. */
export function needsNoKey(path: string): boolean {
  return /^\/(?:session|sign-in|sign-out)\/?$/i.test(path);
}

/** The forms of the sign-in page, with their methods. They are for browsers, and not in the OpenAPI document. */
export const FORMS: Readonly<Record<string, readonly string[]>> = {
  '/sign-in': ['get', 'head', 'post'],
  '/sign-out': ['post'],
};

/** Pages for people. A browser without a key is redirected from them to the sign-in page. */
export function isPage(path: string): boolean {
  return /^\/(?:(?:docs|ui|problems)(?:\/.*)?|runs\/[^/]+\/?)?$/i.test(path);
}
