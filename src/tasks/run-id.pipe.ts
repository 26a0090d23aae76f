import type { PipeTransform } from '@nestjs/common';

/** Takes the id of a run in upper case too, as RFC 9562, section 4, asks for. */
export const anyCase: PipeTransform<string> = { transform: (id) => id.toLowerCase() };
