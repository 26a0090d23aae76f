import type { Config } from '../config/config.js';
import { variables } from '../config/variables.js';
import { UsageError } from './command.js';

/** What an environment variable of the service says, empty ones as unset. @throws {UsageError} when it is wrong */
export function valueOf<Name extends keyof typeof variables>(
  name: Name,
  env: NodeJS.ProcessEnv,
): Config[Name] {
  const { schema, fallback, takes } = variables[name];
  const text = env[name];
  const { success, data } = schema.safeParse(text === undefined || text === '' ? fallback : text);
  if (!success) throw new UsageError(`${name} takes ${takes}`);
  return data as Config[Name];
}
