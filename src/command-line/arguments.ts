import { parseArgs } from 'node:util';

/** What the service is started with, besides its environment. @throws {TypeError} with a `code` that begins with ERR_PARSE_ARGS */
export function readArguments(args: readonly string[]): { readonly help: boolean } {
  const options = { help: { type: 'boolean', short: 'h', default: false } } as const;
  return parseArgs({ args: [...args], options }).values;
}
