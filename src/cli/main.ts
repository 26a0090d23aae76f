import { runFrontrunner } from './program.js';

/** The entry point for bin/frontrunner.cjs, which loads this with require(). So no imported module may use top-level await. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  const help = args.includes('--help') || args.includes('-h');
  // The log of the service isn't written through process.stdout.
  if (args[0] !== 'serve' || help)
    process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      // The reader has gone, as with `| head`.
      if (code === 'EPIPE') process.exit(0);
      process.stderr.write(`The output can't be written: ${message}\n`);
      process.exit(1);
    });
  process.exitCode = await runFrontrunner(args, process);
}
