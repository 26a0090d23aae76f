import { ConfigModule } from '@nestjs/config';
import { parseConfig } from './config.js';

/** Reads the environment, and a file `.env` beneath it, once for the whole service. */
export const AppConfigModule = ConfigModule.forRoot({ isGlobal: true, validate: parseConfig });
// The error reaches whoever creates the application; until then it must not count as unhandled.
AppConfigModule.catch(() => undefined);
