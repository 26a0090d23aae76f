import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StartedRun } from './started-run.js';

/** An answer that will be a stream. */
export interface StreamedAnswer {
  /** Answers with a run's stream, from the beginning. Resolves when the answer has begun. @throws {DomainError} when the run isn’t recorded */
  begin(run: StartedRun): Promise<void>;
}

/** Answers callers with the stream of a run instead of its reply alone. */
export abstract class StreamedAnswers {
  /** Takes a place for one streamed answer, until its response is closed. @throws {DomainError} `overloaded` */
  abstract open(request: IncomingMessage, response: ServerResponse): StreamedAnswer;
}
