import { listenForStop } from './stop-signals.js';

// All the rest takes a second to load, and is imported when signals are heard.
const onStop = listenForStop();
const { launch } = await import('./launch.js');

await launch(onStop, async () => {
  const { readArguments } = await import('./command-line/arguments.js');
  if (!readArguments(process.argv.slice(2)).help) return true;
  const { usage } = await import('./config/usage.js');
  process.stdout.write(usage());
  return false;
});
