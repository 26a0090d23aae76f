import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StartedRun } from './started-run.js';

/** An answer that is to be a stream. */
export interface StreamedAnswer {
  /** Answers with the stream of a run, from its beginning. Resolves when it has begun. @throws {DomainError} when the run isn’t recorded */
  begin(run: StartedRun): Promise<void>;
}

/** Answers callers with the stream of a run in place of its reply alone. */
export abstract class StreamedAnswers {
  /** Makes room for one, until its response is closed. @throws {DomainError} `overloaded` */
  abstract open(request: IncomingMessage, response: ServerResponse): StreamedAnswer;
}
