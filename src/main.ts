import { listenForStop, stopWithNpm } from './stop-signals.js';

// All the rest takes a second to load, and is imported when signals are heard.
const onStop = listenForStop();
stopWithNpm();
const { listenForReload } = await import('./reload-signal.js');
const onReload = listenForReload();
const { explain } = await import('./start-error.js');
try {
  const { readArguments } = await import('./command-line/arguments.js');
  if (readArguments(process.argv.slice(2)).help) {
    const { usage } = await import('./config/usage.js');
    process.stdout.write(usage());
  } else {
    await import('reflect-metadata');
    const { start } = await import('./start.js');
    await start(onStop, onReload);
  }
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}
