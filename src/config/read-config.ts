import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseConfig, type Config } from './config.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment, and a file beneath it. @throws {ConfigError} */
export function readConfig(environment: Environment = process.env, file = '.env'): Config {
  return parseConfig({ ...readFile(file), ...environment });
}

function readFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
