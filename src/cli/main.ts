import { runFrontrunner } from './program.js';

/** What bin/frontrunner.cjs calls. It gets here by require(), so that no module may await at its top level which this one imports. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  const help = args.includes('--help') || args.includes('-h');
  // The log of the service is written past process.stdout.
  if (args[0] !== 'serve' || help)
    process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      // As with `| head`: nobody reads on.
      if (code === 'EPIPE') process.exit(0);
      process.stderr.write(`The output can't be written: ${message}\n`);
      process.exit(1);
    });
  process.exitCode = await runFrontrunner(args, process);
}
