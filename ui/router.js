import { useEffect, useState } from './html.js';

/**
 * The place that the address names behind its `#`, such as `#/runs/019…?panel=first`: the page may so be mounted anywhere.
 *
 * @returns {{ path: string[], query: URLSearchParams }}
 */
function place() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

/** @param {string} step */
function decode(step) {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** The place, now and whenever it changes. */
export function usePlace() {
  const [current, setCurrent] = useState(place);
  useEffect(() => {
    const changed = () => setCurrent(place());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return current;
}

/**
 * @param {string[]} steps such as `['runs', id]`
 * @param {Record<string, string | undefined> | URLSearchParams} [query]
 */
export function linkTo(steps, query = {}) {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const given = entries.filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(/** @type {[string, string][]} */ (given)).toString();
  return `#/${steps.map(encodeURIComponent).join('/')}${search && `?${search}`}`;
}

/**
 * Goes to another place; Back leads to the one before, unless `replaces`.
 *
 * @param {string[]} steps
 * @param {Record<string, string | undefined> | URLSearchParams} [query]
 * @param {{ replaces?: boolean }} [options]
 */
export function goTo(steps, query = {}, { replaces = false } = {}) {
  const link = linkTo(steps, query);
  if (replaces) location.replace(link);
  else location.hash = link;
}
