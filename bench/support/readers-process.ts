/** Readers of event streams, in a process of their own. They do little with what they read, for that is not what is measured. */
import { Agent, get, type ClientRequest, type IncomingMessage } from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import type { ReadersCommand, ReadersLap, Watch } from './readers-protocol.ts';

const PATHS: Readonly<Record<Watch, string>> = {
  ends: '/events?type=run.finished',
  runs: '/events?type=run.started',
  everything: '/events',
};

/** One event in so many is looked into, to see how late it is. */
const SAMPLE = 100;

const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
const requests = new Set<ClientRequest>();
const late = createHistogram({ figures: 3 });
let counts = { events: 0, bytes: 0, opened: 0, errors: 0 };
let startedAt = performance.now();
let cpu = process.cpuUsage();

/** Opens a stream. @returns when its headers are there */
function read(
  url: string,
  onText: (text: string) => void = count,
  onEnd: () => void = failed,
): Promise<void> {
  return new Promise((resolve) => {
    const request = get(url, { agent, headers: { Accept: 'text/event-stream' } });
    requests.add(request);
    request.on('error', () => undefined);
    request.on('close', () => {
      if (!requests.delete(request)) return;
      onEnd();
      resolve();
    });
    request.on('response', (response: IncomingMessage) => {
      counts.opened += 1;
      if (response.statusCode !== 200) failed();
      response.setEncoding('latin1').on('data', onText);
      resolve();
    });
  });
}

function count(text: string): void {
  counts.bytes += text.length;
  for (let at = text.indexOf('\nevent: '); at >= 0; at = text.indexOf('\nevent: ', at + 8)) {
    if (text.startsWith('cursor', at + 8)) continue;
    counts.events += 1;
    if (counts.events % SAMPLE > 0) continue;
    const time = /"time":"([^"]+)"/.exec(text.slice(at, at + 200))?.[1];
    if (time !== undefined) late.record(Math.max(1, Math.round((Date.now() - Date.parse(time)) * 1000)));
  }
}

function failed(): void {
  counts.errors += 1;
}

/** Follows runs as they start, each reader one to its end and then the next. */
async function followRuns(url: string, readers: number): Promise<void> {
  let free = readers;
  let pending = '';
  await read(`${url}${PATHS.runs}`, (text) => {
    const blocks = (pending + text).split('\n\n');
    pending = blocks.pop() ?? '';
    for (const block of blocks) {
      const runId = /"runId":"([^"]+)"/.exec(block)?.[1];
      if (runId === undefined || free === 0) continue;
      free -= 1;
      void read(`${url}/runs/${runId}/events`, count, () => {
        free += 1;
      });
    }
  });
}

function finishLap(): ReadersLap {
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const lap = {
    seconds,
    ...counts,
    lateP50: late.percentile(50) / 1000,
    lateP99: late.percentile(99) / 1000,
    share: (user + system) / 1e6 / seconds,
  };
  late.reset();
  counts = { events: 0, bytes: 0, opened: 0, errors: 0 };
  startedAt = performance.now();
  cpu = process.cpuUsage();
  return lap;
}

async function obey(command: ReadersCommand): Promise<void> {
  if (command.kind === 'open') {
    const { url, watch, count: readers } = command;
    if (watch === 'runs') await followRuns(url, readers);
    else for (let n = 0; n < readers; n += 1) await read(`${url}${PATHS[watch]}`);
  }
  const lap = finishLap();
  if (command.kind === 'close') {
    const open = [...requests];
    requests.clear();
    for (const request of open) request.destroy();
  }
  process.send?.(lap);
}

process.on('message', (command) => {
  void obey(command as ReadersCommand);
});
process.on('disconnect', () => process.exit());
