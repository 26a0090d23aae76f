/** The filters of the list of runs, as the address has them and as the API takes them. */

export const STATUSES = ['running', 'succeeded', 'partly-failed', 'failed', 'cancelled', 'set-aside'];
const NAMES = ['task', 'status', 'label', 'since', 'until', 'requestId', 'traceId'];

/** Those of the address, and nothing else. @param {URLSearchParams} query */
export function filtersOf(query) {
  return new URLSearchParams([...query].filter(([name, value]) => NAMES.includes(name) && value !== ''));
}

/** What the API streams of the runs that the filters are about. @param {URLSearchParams} filters @param {readonly string[]} types */
export function streamOf(filters, types) {
  const query = new URLSearchParams({ type: types.join(',') });
  for (const name of ['task', 'label']) for (const value of filters.getAll(name)) query.append(name, value);
  return `/events?${query}`;
}

/** @param {URLSearchParams} filters */
export function statusesOf(filters) {
  return filters.getAll('status').flatMap((text) => text.split(','));
}

/**
 * Whether a run that was told of by events is one of those that the filters leave.
 *
 * @param {import('./run-rows.js').Row} row
 * @param {URLSearchParams} filters
 */
export function fits(row, filters) {
  const statuses = statusesOf(filters);
  const since = filters.get('since');
  const until = filters.get('until');
  const created = Date.parse(row.createdAt);
  return (
    (statuses.length === 0 || statuses.includes(row.status)) &&
    (since === null || created >= Date.parse(since)) &&
    (until === null || created < Date.parse(until)) &&
    isAsked(filters.get('requestId'), row.requestId) &&
    isAsked(filters.get('traceId'), row.traceId)
  );
}

/** @param {string | null} asked @param {string | null | undefined} id undefined: the API has looked at it */
function isAsked(asked, id) {
  return asked === null || id === undefined || asked === id;
}
