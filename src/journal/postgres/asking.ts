import { DomainError } from '../../core/domain-error.js';
import { textOf } from '../../core/thrown.js';
import type { DamageWatch } from '../damage-watch.js';

/**
 * What the database answers.
 *
 * @param what may be asked twice where `damage` is given
 * @param damage is told of a damaged page
 * @throws {DomainError} `journal-unavailable` when it doesn't
 */
export async function asking<T>(what: () => Promise<T>, damage?: DamageWatch): Promise<T> {
  try {
    return await (damage ? damage.heed(what) : what());
  } catch (error) {
    throw new DomainError('journal-unavailable', `The journal can’t be read: ${textOf(error)}`);
  }
}

/** A text as Postgres can hold it: NUL it can't, and nothing that is stored has one. */
export function storable<T extends string | undefined>(text: T): T {
  return text?.replaceAll('\0', '\uFFFD') as T;
}
