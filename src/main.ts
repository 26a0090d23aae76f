import { launch } from './launch.js';

await launch(async () => {
  const { readArguments } = await import('./command-line/arguments.js');
  if (!readArguments(process.argv.slice(2)).help) return true;
  const { usage } = await import('./config/usage.js');
  process.stdout.write(usage());
  return false;
});
