import autocannon, { type Instance, type Request } from 'autocannon';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallersLoad } from './generator-protocol.ts';
import type { LapRecorder } from './lap-recorder.ts';

/** Connections are opened in at most this many batches, each an autocannon of its own. */
const MAX_BATCHES = 50;

/** Longer than any bench, in seconds: the bench says when to stop. */
const UNTIL_STOPPED = 24 * 60 * 60;

/** Opens the connections. @returns what closes them */
export async function openCallers(load: CallersLoad, recorder: LapRecorder): Promise<() => Promise<void>> {
  const urls = [load.url].flat();
  const batches = load.ramp > 0 ? Math.min(MAX_BATCHES, load.connections) : urls.length;
  const running: Instance[] = [];
  for (let batch = 0; batch < batches; batch++) {
    if (batch > 0 && load.ramp > 0) await sleep(load.ramp / batches);
    const share = Math.floor((load.connections + batch) / batches);
    running.push(open({ ...load, url: urls[batch % urls.length] ?? '' }, share, recorder));
  }
  return async () => {
    for (const instance of running) instance.stop();
    await Promise.all(running);
  };
}

function open(
  { url, runIds, pages = false }: CallersLoad & { readonly url: string },
  connections: number,
  recorder: LapRecorder,
): Instance {
  const asks = runIds
    ? { requests: [askForRuns(new URL(url).pathname, runIds, recorder)] }
    : { verifyBody: (text: string) => (pages ? recorder.sawPage(text) : recorder.sawResult(text)) };
  return autocannon({ url, connections, duration: UNTIL_STOPPED, sampleInt: 100, ...asks })
    .on('response', (_client, status, _bytes, milliseconds) => {
      recorder.answered(status, milliseconds);
    })
    .on('reqError', () => {
      recorder.failed();
    });
}

/** autocannon keeps a context for each connection, which has one request at a time. */
function askForRuns(path: string, runIds: readonly string[], recorder: LapRecorder): Request {
  return {
    setupRequest: (request, context) => {
      context.runId = runIds[Math.floor(Math.random() * runIds.length)];
      return { ...request, path: `${path}/${String(context.runId)}` };
    },
    onResponse: (_status, body, context) => {
      recorder.sawRun(body, String(context.runId));
    },
  };
}
