import { ConfigModule } from '@nestjs/config';
import { parseConfig, type Config } from './config.js';

let config: Config;
/** The variables that there were before the configuration was read. */
let variables: readonly string[] = [];

/** Reads the environment, and a file `.env` beneath it, once for the whole service. */
export const AppConfigModule = read();

async function read() {
  const module = await ConfigModule.forRoot({
    isGlobal: true,
    validate: (environment) => {
      // A tasks file may name variables of which the configuration knows nothing.
      for (const [name, value] of Object.entries(environment)) process.env[name] ??= String(value);
      variables = Object.keys(process.env);
      return (config = parseConfig(environment));
    },
  });
  // Nest writes to the environment what was made of it: numbers without their units, which no other process could read.
  for (const name of Object.keys(config))
    if (!variables.includes(name)) Reflect.deleteProperty(process.env, name);
  return module;
}

// The error reaches whoever creates the application; until then it must not count as unhandled.
AppConfigModule.catch(() => undefined);

/** The configuration, for what is settled before there is an application. @throws {ConfigError} */
export async function readConfig(): Promise<Config> {
  await AppConfigModule;
  return config;
}
