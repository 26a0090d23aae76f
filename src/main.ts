import 'reflect-metadata';
import { readArguments } from './command-line/arguments.js';
import { usage } from './config/usage.js';
import { explain } from './start-error.js';
import { endAtStopSignals } from './stop-signals.js';

try {
  if (readArguments(process.argv.slice(2)).help) {
    process.stdout.write(usage());
  } else {
    const started = endAtStopSignals();
    // All the rest takes a second to load, which neither --help nor a signal is to wait for.
    const { start } = await import('./start.js');
    await start(started);
  }
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}
