/* eslint-disable @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars, @typescript-eslint/ban-ts-comment
   -- interfaces of Jest and Vitest are extended, in the form they have there */
import type { FrontrunnerMatchers } from './matchers.js';

/** @ts-ignore Jest needn't be installed. */
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends FrontrunnerMatchers<R> {}
}

/** @ts-ignore Vitest needn't be installed. */
declare module 'vitest' {
  interface Matchers<
    R extends void | Promise<void> = void | Promise<void>,
    T = unknown,
  > extends FrontrunnerMatchers<R> {}
}
