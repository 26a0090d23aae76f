/** Callers that read streams, in a process of their own. They do little with what they read, for that is not what is measured. */
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import type { StreamCallersCommand, StreamsLap } from './streams-protocol.ts';

const noCounts = () => ({ completed: 0, chunks: 0, faults: 0 });
const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
const requests = new Set<ClientRequest>();
const first = createHistogram({ figures: 3 });
const lag = createHistogram({ figures: 3 });
let counts = noCounts();
let startedAt = performance.now();
let cpu = process.cpuUsage();
let closed = false;
let timer: NodeJS.Timeout | undefined;

/** Reads one stream. @param onEnd called when it has ended, however */
function read(url: string, post: boolean, onEnd: () => void): void {
  const sentAt = performance.now();
  const sending = request(url, {
    agent,
    method: post ? 'POST' : 'GET',
    headers: { accept: 'text/event-stream' },
  });
  requests.add(sending);
  let isFirst = true;
  let isComplete = false;
  const take = (block: string): void => {
    if (
      block.startsWith('event: run.replied') ||
      block.includes('\nevent: run.replied') ||
      block === 'data: [DONE]'
    )
      isComplete = true;
    else if (block.includes('event: error') || block.includes('event: restart')) counts.faults += 1;
    else
      for (const [, time] of block.matchAll(/"(\d{16}) /g)) {
        const now = performance.now();
        if (isFirst) first.record(Math.max(1, Math.round((now - sentAt) * 1000)));
        isFirst = false;
        counts.chunks += 1;
        lag.record(Math.max(1, Math.round((performance.timeOrigin + now) * 1000 - Number(time))));
      }
  };
  sending.on('response', (response: IncomingMessage) => {
    if (response.statusCode !== 200) counts.faults += 1;
    let pending = '';
    response.setEncoding('latin1').on('data', (text: string) => {
      const blocks = (pending + text).split('\n\n');
      pending = blocks.pop() ?? '';
      for (const block of blocks) take(block);
    });
  });
  sending.on('error', () => undefined);
  sending.on('close', () => {
    if (!requests.delete(sending)) return;
    if (isComplete) counts.completed += 1;
    else counts.faults += 1;
    onEnd();
  });
  sending.end();
}

function open({ url, post, count, rampMs }: Extract<StreamCallersCommand, { kind: 'open' }>): void {
  const goOn = (): void => {
    if (!closed) read(url, post, goOn);
  };
  let begun = 0;
  const rampedFrom = performance.now();
  timer = setInterval(() => {
    const due = rampMs === 0 ? count : Math.min(count, ((performance.now() - rampedFrom) / rampMs) * count);
    for (; begun < due; begun += 1) goOn();
    if (begun >= count) clearInterval(timer);
  }, 1);
}

function pace({ url, post, rate }: Extract<StreamCallersCommand, { kind: 'pace' }>): void {
  const from = performance.now();
  let begun = 0;
  timer = setInterval(() => {
    const due = ((performance.now() - from) / 1000) * rate;
    for (; begun < due; begun += 1) read(url, post, () => undefined);
  }, 1);
}

function finishLap(): StreamsLap {
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const milliseconds = (histogram: typeof first, percentile: number) =>
    histogram.count === 0 ? NaN : histogram.percentile(percentile) / 1000;
  const lap: StreamsLap = {
    seconds,
    open: requests.size,
    ...counts,
    firstP50: milliseconds(first, 50),
    firstP99: milliseconds(first, 99),
    firstP999: milliseconds(first, 99.9),
    lagP50: milliseconds(lag, 50),
    lagP99: milliseconds(lag, 99),
    lagMax: lag.count === 0 ? NaN : lag.max / 1000,
    share: (user + system) / 1e6 / seconds,
  };
  first.reset();
  lag.reset();
  counts = noCounts();
  startedAt = performance.now();
  cpu = process.cpuUsage();
  return lap;
}

function close(): void {
  closed = true;
  clearInterval(timer);
  const left = [...requests];
  requests.clear();
  for (const one of left) one.destroy();
}

process.on('message', (command: StreamCallersCommand) => {
  const lap = finishLap();
  if (command.kind === 'close') close();
  else if (command.kind !== 'lap') {
    closed = false;
    if (command.kind === 'open') open(command);
    else pace(command);
  }
  process.send?.(lap);
});
process.on('disconnect', () => process.exit());
