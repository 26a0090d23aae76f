/** What orchestrators and load balancers ask for, and what nothing of a caller's is in. */
export function isOpenToAll(path: string): boolean {
  return /^\/health\//i.test(path);
}

/** What shows who is signed in, and signs in and out: a caller needs no key for it, and one who shows a key counts by that. */
export function needsNoKey(path: string): boolean {
  return /^\/(?:session|sign-in|sign-out)\/?$/i.test(path);
}

/** The forms of the sign-in page, by the methods that they answer to; they are for browsers, and not in the OpenAPI document. */
export const FORMS: Readonly<Record<string, readonly string[]>> = {
  '/sign-in': ['get', 'head', 'post'],
  '/sign-out': ['post'],
};

/** What people look at in browsers: without a key, a browser is led from there to the sign-in page. */
export function isPage(path: string): boolean {
  return /^\/(?:(?:docs|ui|problems)(?:\/.*)?|runs\/[^/]+\/?)?$/i.test(path);
}
