import { IncomingMessage } from 'node:http';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Request } from 'express';
import { Gathering } from '../core/gathering.js';
import { loggerOf } from '../core/logger-of.js';
import { originFields } from '../core/run-origin.js';
import { problemTypes, type ProblemCode } from './problems.js';
import { contextOf } from './request-context.js';

/** How much of a caller's text a log line may have, in characters. */
const MOST = 100;

/** Problems that are no refusals: they tell how a run ended, or that a probe has to wait. */
const OUTCOMES: ReadonlySet<ProblemCode> = new Set([
  'run-failed',
  'run-cancelled',
  'run-disputed',
  'deadline-exceeded',
  'not-ready',
]);

/** The connection of a request that could not be read. */
export interface Connection {
  readonly remoteAddress?: string | undefined;
}

/**
 * Counts refused requests by type of problem, and logs them: the first at once, those that follow together once in a while. Keys, bodies and
 * queries never get into the log.
 */
@Injectable()
export class Refusals implements OnApplicationShutdown {
  private readonly logger = loggerOf('request');
  private readonly byReason = new Map<ProblemCode, number>();
  private readonly untold = new Gathering<object>((reason, { count, example }, seconds) => {
    const msg = `Refused with ${named(reason as ProblemCode)}: ${count} more in ${seconds} s`;
    this.logger.warn({ msg, reason, count, ...example });
  });

  /** Number of refusals since the start, by problem type. */
  get counts(): ReadonlyMap<ProblemCode, number> {
    return this.byReason;
  }

  /**
   * @param from the request, or its connection where it could not be read
   * @param detail only in words of the service
   * @param requestId of a request that could not be read
   */
  count(reason: ProblemCode, from: IncomingMessage | Connection, detail?: string, requestId?: string): void {
    if (OUTCOMES.has(reason)) return;
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1);
    // The log has the error itself.
    if (reason === 'internal-error') return;
    const untold = this.untold.add(reason);
    if (untold) {
      untold.example ??= exampleOf(from, requestId);
      return;
    }
    const msg = `Refused with ${named(reason)}: ${detail ?? problemTypes[reason].happened}`;
    this.logger.warn({ msg, reason, count: 1, ...exampleOf(from, requestId) });
  }

  onApplicationShutdown(): void {
    this.untold.end();
  }
}

function named(reason: ProblemCode): string {
  return `${problemTypes[reason].status} ${reason}`;
}

/** Fields that help to find the caller. */
function exampleOf(from: IncomingMessage | Connection, requestId: string | undefined): object {
  if (!(from instanceof IncomingMessage)) return { requestId, address: from.remoteAddress };
  const { method, url, originalUrl = url, ip, socket } = from as Partial<Request> & IncomingMessage;
  const context = contextOf(from);
  return {
    ...originFields(context),
    client: context.client,
    address: ip?.slice(0, MOST) ?? socket.remoteAddress,
    method,
    path: originalUrl?.split(/[?#]/, 1)[0]?.slice(0, MOST),
  };
}
