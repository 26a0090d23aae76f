import { runFrontrunner } from './program.js';

/** What bin/frontrunner.cjs calls. It gets here by require(), so that no module may await at its top level which this one imports. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  // The log of the service is written past process.stdout.
  if (args[0] !== 'serve')
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
      // As with `| head`: nobody reads on.
      process.exit(code === 'EPIPE' ? 0 : 1);
    });
  process.exitCode = await runFrontrunner(args, process);
}
