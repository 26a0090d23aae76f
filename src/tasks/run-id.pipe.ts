import type { PipeTransform } from '@nestjs/common';

/** Accepts a run's id in upper case too, as RFC 9562, section 4, requires. */
export const anyCase: PipeTransform<string> = { transform: (id) => id.toLowerCase() };
