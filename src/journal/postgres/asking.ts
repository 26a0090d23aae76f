import { DomainError } from '../../core/domain-error.js';
import { textOf } from '../../core/thrown.js';

/** What the database answers. @throws {DomainError} `journal-unavailable` when it doesn't */
export async function asking<T>(what: () => Promise<T>): Promise<T> {
  try {
    return await what();
  } catch (error) {
    throw new DomainError('journal-unavailable', `The journal can’t be read: ${textOf(error)}`);
  }
}

/** A text as Postgres can hold it: NUL it can't, and nothing that is stored has one. */
export function storable<T extends string | undefined>(text: T): T {
  return text?.replaceAll('\0', '\uFFFD') as T;
}
