import type { Started } from './start.js';
import { stopWithNpm, type OnStop } from './stop-signals.js';

/**
 * Starts the service as this process.
 *
 * @param onStop is told what a stop is: signals are heard before anything else is loaded
 * @param prepare is called before the start; when it says false, nothing is started
 * @param whenReady is told when the service listens
 */
export async function launch(
  onStop: OnStop,
  prepare: () => boolean | Promise<boolean>,
  whenReady?: (started: Started) => void,
): Promise<void> {
  stopWithNpm();
  const { listenForReload } = await import('./reload-signal.js');
  const onReload = listenForReload();
  const { explain } = await import('./start-error.js');
  try {
    if (!(await prepare())) return;
    await import('reflect-metadata');
    const { start } = await import('./start.js');
    const started = await start(onStop, onReload);
    whenReady?.(started);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  }
}
