import type { INestApplicationContext, Type } from '@nestjs/common';
import { DomainError } from '../core/domain-error.js';

/** Gives access to the parts of an instance. */
export type Parts = Pick<INestApplicationContext, 'get'>;

/** The parts of an application. Once `closed` is aborted, a look-up throws `stopping`. */
export function partsUntil(closed: AbortSignal, app: INestApplicationContext): Parts {
  const get = (token: Type, options: { readonly strict: boolean }): unknown => {
    if (closed.aborted) throw new DomainError('stopping', 'The application is closed');
    return app.get(token, options);
  };
  return { get } as Parts;
}
