import { DomainError } from '../../core/domain-error.js';
import { textOf } from '../../core/thrown.js';
import type { DamageWatch } from '../damage-watch.js';

/**
 * Calls the database, and turns its errors into errors of the API.
 *
 * @param what the call; safe to be made twice if `damage` is given
 * @param damage watches for damaged pages
 * @throws {DomainError} `journal-unavailable` when the database doesn't answer
 */
export async function asking<T>(what: () => Promise<T>, damage?: DamageWatch): Promise<T> {
  try {
    return await (damage ? damage.heed(what) : what());
  } catch (error) {
    throw new DomainError('journal-unavailable', `The journal can’t be read: ${textOf(error)}`);
  }
}

/** A text without NUL characters, which Postgres can't store. No text in the journal has one. */
export function storable<T extends string | undefined>(text: T): T {
  return text?.replaceAll('\0', '\uFFFD') as T;
}
