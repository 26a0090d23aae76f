import type { RunEvent } from '../../src/core/events.js';

/** The events of a stream, behind one of them, until it ends. Throws when it is refused or cut off. */
export async function* eventsOf(
  url: string,
  lastEventId: number,
  signal: AbortSignal,
): AsyncIterable<RunEvent> {
  const { status, body } = await fetch(url, {
    headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(lastEventId) },
    signal,
  });
  if (status === 204) return;
  if (status !== 200 || !body) throw new Error(`The stream ${url} was refused with ${String(status)}`);
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data:')) continue;
      const message = JSON.parse(line.slice(5)) as RunEvent | { readonly type: 'cursor' };
      // Tells a reader that had nothing for long where to go on.
      if (message.type !== 'cursor') yield message;
    }
  }
}
