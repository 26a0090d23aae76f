import type { Request } from 'express';
import { invalidRequest } from '../core/domain-error.js';
import { wholeNumber } from '../http/query.js';

/** The last event that a returning reader has seen, by its header. @throws {DomainError} `invalid-request` */
export function lastEventId(request: Request): number | undefined {
  const text = request.get('Last-Event-ID') ?? '';
  if (text === '') return undefined;
  const id = wholeNumber(0).safeParse(text);
  if (id.success) return id.data;
  throw invalidRequest([{ header: 'Last-Event-ID', detail: id.error.issues[0]?.message ?? '' }]);
}
