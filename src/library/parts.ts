import type { INestApplicationContext } from '@nestjs/common';

/** Where the parts of an instance are found. */
export type Parts = Pick<INestApplicationContext, 'get'>;
