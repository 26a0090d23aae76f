import { Logger } from '@nestjs/common';

// What the code under test logs is no news; specs that care look at the logger themselves.
Logger.overrideLogger(false);
