/**
 * The load generator: a process of its own, so that it can have a core of its own. It lives as long as the
 * bench, so that its code is warm for every turn, and does what the messages of its parent say.
 */
import { openCallers } from './callers.ts';
import type { Command, Load } from './generator-protocol.ts';
import { LapRecorder } from './lap-recorder.ts';
import { startPacer } from './pacer.ts';

const recorder = new LapRecorder();
let end: (() => void | Promise<void>) | undefined;

async function start(load: Load): Promise<void> {
  end = load.kind === 'paced' ? startPacer(load, recorder) : await openCallers(load, recorder);
}

async function obey(command: Command): Promise<void> {
  if (command.kind === 'start') await start(command.load);
  const lap = recorder.finish();
  if (command.kind === 'stop') await end?.();
  process.send?.(lap);
}

process.on('message', (command) => {
  void obey(command as Command);
});
process.on('disconnect', () => process.exit());
