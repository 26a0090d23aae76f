/** Where the API is: the page lives one level below it, wherever that is mounted. */
export const BASE = new URL('..', document.baseURI);

/** @param {string} path such as `/runs?limit=10` */
export function urlOf(path) {
  return new URL(path.replace(/^\//, ''), BASE);
}
