/**
 * An upstream that streams chunks with known delays, as events with the time at which each was sent. It speaks just enough HTTP for that, so that a
 * core has time for thousands of streams. Answers each message with its port and with what it was asked since the last one.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import {
  shapeIn,
  SLOW_FIRST_MS,
  type StreamsUpstreamCommand,
  type StreamsUpstreamLap,
} from './streams-protocol.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';
const WORDS = 'the quick brown fox';

const sockets = new Set<Socket>();
const late = createHistogram({ figures: 2 });
let counts = { requests: 0, slow: 0, chunks: 0 };

/** Microseconds since 1970, which other processes of this machine compare with. */
function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

function stream(socket: Socket, target: string): void {
  const { firstMs, everyMs, chunks, slowShare } = shapeIn(target);
  const isSlow = Math.random() < slowShare;
  counts.requests += 1;
  if (isSlow) counts.slow += 1;
  let left = chunks;
  let dueAt = performance.now() + (isSlow ? SLOW_FIRST_MS : firstMs);
  let timer: NodeJS.Timeout;
  const send = (): void => {
    late.record(Math.max(1, Math.round((performance.now() - dueAt) * 1000)));
    counts.chunks += 1;
    left -= 1;
    socket.write(`data: {"text":"${now()} ${WORDS}"}\n\n`);
    if (left === 0) {
      socket.end('data: [DONE]\n\n');
      return;
    }
    dueAt += everyMs;
    timer = setTimeout(send, Math.max(1, dueAt - performance.now()));
  };
  timer = setTimeout(send, dueAt - performance.now());
  socket.on('close', () => {
    clearTimeout(timer);
  });
}

const server = createServer({ noDelay: true }, (socket) => {
  let head = '';
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  const read = (text: Buffer): void => {
    head += text.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', read).resume();
    socket.write(HEAD);
    stream(socket, head.split(' ', 2)[1] ?? '');
  };
  socket.on('data', read);
  socket.on('error', () => undefined);
});

server.listen(0, '127.0.0.1', 4096, () => {
  process.on('message', ({ drop = false }: StreamsUpstreamCommand) => {
    if (drop) for (const socket of sockets) socket.destroy();
    const { port } = server.address() as AddressInfo;
    const lap: StreamsUpstreamLap = { port, ...counts, lateP99: late.percentile(99) / 1000 };
    counts = { requests: 0, slow: 0, chunks: 0 };
    late.reset();
    process.send?.(lap);
  });
});
process.on('disconnect', () => process.exit());
