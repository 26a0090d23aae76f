import { createHook } from 'node:async_hooks';
import { afterAll } from '@jest/globals';

const CLOSING_MS = 2_000;

/**
 * Node makes a pipe of each when it is first used, and Jest uses all when a module imports `node:process`. Made before the first look, they
 * are nothing that a test leaves.
 */
const _standardStreams = [process.stdin, process.stdout, process.stderr];

/** Timers that run, each with an error that was made where it was set. */
const timers = new Map<number, { timer: NodeJS.Timeout; origin: Error }>();
const JEST = /\/node_modules\/(@jest\/|jest-)/;

/** Node 26 has it; the types are those of the oldest Node that the packages run on. */
const withoutPromises: object = { trackPromises: false };

const hook = createHook({
  ...withoutPromises,
  init(id, type, _trigger, resource) {
    if (type === 'Timeout') timers.set(id, { timer: resource as NodeJS.Timeout, origin: new Error() });
  },
  destroy(id) {
    timers.delete(id);
  },
}).enable();
// Suites share a process: the hooks of all before it would look at each timer of a suite.
afterAll(() => {
  hook.disable();
});

/** Sockets, pipes and timers that keep the process alive, but for the timers of Jest, which come and go. Of a timer it says who set it. */
export async function activeResources(): Promise<string[]> {
  // What was closed or cleared just now needs a turn of the event loop to go.
  await new Promise((resolve) => setImmediate(resolve));
  const handles = process.getActiveResourcesInfo().filter((resource) => /^(TCP|Pipe|HTTP)/.test(resource));
  const left = [...timers.values()].filter(
    ({ timer, origin }) => timer.hasRef() && !JEST.test(caller(origin)),
  );
  return [...handles, ...left.map(({ origin }) => `Timeout set ${caller(origin).trim()}`)];
}

/** Proves that nothing is active now that wasn't before. */
export async function expectNothingLeft(before: readonly string[]): Promise<void> {
  const left = await leftOver(before);
  if (left.length > 0) throw new Error(`Still active after close: ${left.join(', ')}`);
}

/** What is active now and wasn't before; sockets whose other side has yet to close them get a moment to go. */
export async function leftOver(before: readonly string[]): Promise<string[]> {
  let left: string[] = [];
  const until = performance.now() + CLOSING_MS;
  while (performance.now() < until) {
    const rest = [...before];
    left = (await activeResources()).filter((resource) => {
      const index = rest.indexOf(resource);
      if (index >= 0) rest.splice(index, 1);
      return index < 0;
    });
    if (left.length === 0) break;
  }
  return left;
}

/** The line of the stack that set a timer. To read a stack takes a hundred times as long as to make its error. */
function caller(origin: Error): string {
  const lines = origin.stack?.split('\n').slice(1) ?? [];
  return lines.find((line) => !line.includes('node:') && !line.includes(import.meta.filename)) ?? '';
}
