import { urlOf } from '../address.js';
import { jsonText } from '../json.js';

/** @typedef {import('./race.js').Race} Race */

/**
 * The command that starts the same run again. It has the name of a variable where a key is needed, and no key.
 *
 * @param {Race} race
 */
export function curlOf({ task, begun, labels, client }) {
  const { input, replyPolicy, losers, deadline } = begun;
  const body = jsonText({ input, reply: replyPolicy, losers, labels, deadline });
  return [
    `curl ${quoted(urlOf(`/tasks/${encodeURIComponent(task)}/runs`).href)}`,
    ...(client === undefined ? [] : [`-H "Authorization: Bearer $FRONTRUNNER_KEY"`]),
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(body)}`,
  ].join(' \\\n  ');
}

/** As a shell takes it. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
