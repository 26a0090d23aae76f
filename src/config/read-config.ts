import { parseConfig, type Config } from './config.js';
import { readEnvFile } from './env-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment, and a file of variables; the environment counts first. @throws {ConfigError} @throws {EnvFileError} */
export function readConfig(environment: Environment = process.env, file?: string): Config {
  return parseConfig({ ...readEnvFile(file), ...environment });
}
