import { fetchEventSource as fetchEventSourceOfFork } from '@fortaine/fetch-event-source';
import fetchEventSourceOfNode from '@ai-zen/node-fetch-event-source';
import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSource } from 'eventsource';
import { createEventSource } from 'eventsource-client';
import launchDarkly from 'launchdarkly-eventsource';
import { EventSource as UndiciEventSource } from 'undici';

const [base, types] = [process.argv[2], process.argv[3].split(',')];

// Two are made for browsers.
globalThis.window = globalThis;
globalThis.document = new globalThis.EventTarget();

/**
 * Each opens a stream, calls `take` with what it takes for messages and `fail` with errors. `close` closes the stream; `over`, where
 * there is one, settles when the client is done with it by itself.
 */
const clients = {
  eventsource: byTypes(EventSource),
  undici: byTypes(UndiciEventSource),
  'launchdarkly-eventsource': byTypes(launchDarkly.EventSource),
  'eventsource-client': (url, take) => {
    const source = createEventSource({ url, onMessage: take });
    return { close: () => source.close() };
  },
  '@microsoft/fetch-event-source': byFetch(fetchEventSource),
  '@fortaine/fetch-event-source': byFetch(fetchEventSourceOfFork),
  '@ai-zen/node-fetch-event-source': byFetch(
    fetchEventSourceOfNode.fetchEventSource ?? fetchEventSourceOfNode,
  ),
};

function byTypes(Source) {
  return (url, take, fail) => {
    const source = new Source(url);
    for (const type of ['message', 'cursor', ...types])
      source.addEventListener(type, ({ data, lastEventId }) => take({ event: type, id: lastEventId, data }));
    source.addEventListener('error', ({ message }) => fail(message));
    return { close: () => source.close() };
  };
}

function byFetch(source) {
  return (url, take, fail) => {
    const closing = new globalThis.AbortController();
    const over = source(url, {
      openWhenHidden: true,
      signal: closing.signal,
      onmessage: take,
      onerror: (error) => {
        fail(error.message);
        throw error;
      },
    }).catch(() => undefined);
    return { close: () => closing.abort(), over };
  };
}

/**
 * Reads a stream until the event `run.finished`; that of a run to its end. `seen` has the messages, and what the client or JSON.parse
 * complains of; `begun` resolves at the first, `ended` when the stream is closed.
 */
function watch(open, path) {
  const seen = { messages: [], errors: [] };
  const first = Promise.withResolvers();
  const last = Promise.withResolvers();
  const fail = (error) => {
    seen.errors.push(String(error));
    first.resolve();
    last.resolve();
  };
  const take = ({ event, id, data }) => {
    seen.messages.push(`${id} ${event}`);
    first.resolve();
    try {
      const { id: number, type } = JSON.parse(data);
      if (String(number) !== id || type !== event) fail(`${id} ${event} has ${data}`);
    } catch (error) {
      fail(`${error}: ${data}`);
    }
    if (event === 'run.finished') last.resolve();
  };
  const { close, over } = open(base + path, take, fail);
  const ended = last.promise
    .then(() => (path.startsWith('/runs/') && seen.errors.length === 0 ? over : undefined))
    .then(close);
  return { seen, begun: first.promise, ended };
}

/** Watches the ends of all runs while there are none, then starts a run and watches it to its end. */
async function story(open) {
  const all = watch(open, '/events?type=run.finished');
  await all.begun;
  const headers = { Prefer: 'respond-async' };
  const response = await globalThis.fetch(`${base}/tasks/demo/runs`, { method: 'POST', headers });
  const { id } = await response.json();
  const run = watch(open, `/runs/${id}/events`);
  await Promise.all([all.ended, run.ended]);
  return { id, run: run.seen, all: all.seen };
}

const told = {};
// One after the other, so that each sees the end of its own run alone.
for (const [name, open] of Object.entries(clients)) told[name] = await story(open);
process.stdout.write(JSON.stringify(told));
process.exit();
