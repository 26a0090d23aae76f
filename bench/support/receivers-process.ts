/** Receivers of webhooks, in a process of their own. They do little with what comes, for that is not what is measured. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { Webhook } from 'standardwebhooks';
import { LIVE_PATH, type Received } from './receivers-protocol.ts';

/** One delivery in so many is verified. */
const SAMPLE = 100;

const [secret = ''] = process.argv.slice(2);
const webhook = new Webhook(secret);
const delays = createHistogram({ figures: 3 });
/** The ids of events that have come, by their paths. */
const known = new Map<string, Set<number>>();
let counts = { deliveries: 0, repeated: 0, wrongSignatures: 0 };
let lastAt = NaN;
let startedAt = performance.now();
let cpu = process.cpuUsage();

function receive(path: string, { headers }: IncomingMessage, body: string): void {
  if (!path.startsWith(LIVE_PATH)) return;
  lastAt = Date.now();
  counts.deliveries += 1;
  const time = /"time":"([^"]+)"/.exec(body)?.[1];
  if (time !== undefined) delays.record(Math.max(1, (lastAt - Date.parse(time)) * 1000));
  let ids = known.get(path);
  if (!ids) known.set(path, (ids = new Set()));
  const id = Number(headers['webhook-id']);
  if (ids.has(id)) counts.repeated += 1;
  ids.add(id);
  if (counts.deliveries % SAMPLE > 0) return;
  try {
    webhook.verify(body, headers as Record<string, string>);
  } catch {
    counts.wrongSignatures += 1;
  }
}

function finishLap(): Omit<Received, 'port' | 'hangingPort'> {
  const { user, system } = process.cpuUsage(cpu);
  const none = counts.deliveries === 0;
  const lap = {
    ...counts,
    delayP50: none ? NaN : delays.percentile(50) / 1000,
    delayP99: none ? NaN : delays.percentile(99) / 1000,
    lastAt,
    share: (user + system) / 1000 / (performance.now() - startedAt),
  };
  delays.reset();
  counts = { deliveries: 0, repeated: 0, wrongSignatures: 0 };
  startedAt = performance.now();
  cpu = process.cpuUsage();
  return lap;
}

const live = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    response.writeHead(204).end();
    receive(request.url ?? '', request, body);
  });
});
const hanging = createServer((request) => {
  request.resume();
});

for (const server of [live, hanging]) server.keepAliveTimeout = 60_000;
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
live.listen(0, '127.0.0.1', () => {
  hanging.listen(0, '127.0.0.1', () => {
    process.on('message', () => {
      process.send?.({ port: portOf(live), hangingPort: portOf(hanging), ...finishLap() });
    });
  });
});
process.on('disconnect', () => process.exit());
