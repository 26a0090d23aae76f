import { ConfigModule } from '@nestjs/config';
import { parseConfig, type Config } from './config.js';

let config: Config;

/** Reads the environment, and a file `.env` beneath it, once for the whole service. */
export const AppConfigModule = ConfigModule.forRoot({
  isGlobal: true,
  validate: (environment) => {
    // A tasks file may name variables of which the configuration knows nothing.
    for (const [name, value] of Object.entries(environment)) process.env[name] ??= String(value);
    return (config = parseConfig(environment));
  },
});
// The error reaches whoever creates the application; until then it must not count as unhandled.
AppConfigModule.catch(() => undefined);

/** The configuration, for what is settled before there is an application. @throws {ConfigError} */
export async function readConfig(): Promise<Config> {
  await AppConfigModule;
  return config;
}
