import { parseConfig, type Config } from './config.js';
import { readEnvFile } from './env-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment, and a file beneath it. @throws {ConfigError} @throws {EnvFileError} */
export function readConfig(environment: Environment = process.env, file?: string): Config {
  return parseConfig({ ...readEnvFile(file), ...environment });
}
