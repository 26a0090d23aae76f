/**
 * The load generator: a process of its own, so that it can have a core of its own. It lives as long as the
 * bench, so that its code is warm for every turn, and does what the messages of its parent say.
 */
import autocannon, { type Instance } from 'autocannon';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command, Load } from './generator-protocol.ts';
import { LapRecorder } from './lap-recorder.ts';

/** Connections are opened in at most this many batches, each an autocannon of its own. */
const MAX_BATCHES = 50;

/** Longer than any bench, in seconds: the bench says when to stop. */
const UNTIL_STOPPED = 24 * 60 * 60;

const recorder = new LapRecorder();
let running: Instance[] = [];

async function start(load: Load): Promise<void> {
  const batches = load.ramp > 0 ? Math.min(MAX_BATCHES, load.connections) : 1;
  for (let batch = 0; batch < batches; batch++) {
    if (batch > 0) await sleep(load.ramp / batches);
    const share = Math.floor((load.connections + batch) / batches);
    running.push(open(load.url, share));
  }
}

function open(url: string, connections: number): Instance {
  return autocannon({
    url,
    connections,
    duration: UNTIL_STOPPED,
    sampleInt: 100,
    verifyBody: (text) => recorder.sawBody(text),
  })
    .on('response', (_client, status, _bytes, milliseconds) => {
      recorder.answered(status, milliseconds);
    })
    .on('reqError', () => {
      recorder.failed();
    });
}

async function stop(): Promise<void> {
  for (const instance of running) instance.stop();
  await Promise.all(running);
  running = [];
}

async function obey(command: Command): Promise<void> {
  if (command.kind === 'start') await start(command.load);
  const lap = recorder.finish();
  if (command.kind === 'stop') await stop();
  process.send?.(lap);
}

process.on('message', (command) => {
  void obey(command as Command);
});
process.on('disconnect', () => process.exit());
