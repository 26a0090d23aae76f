import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError } from '../core/domain-error.js';
import { loggerOf } from '../core/logger-of.js';
import { originFields } from '../core/run-origin.js';
import { textOf } from '../core/thrown.js';
import { NO_STORE } from './common-headers.js';
import { linkTo } from './links.js';
import { pathOf, type Operations } from './operations.js';
import { codeOfProblem, problem, problemTypes, type Problem, type ProblemCode } from './problems.js';
import type { Refusals } from './refusals.js';
import { contextOf } from './request-context.js';
import { retryAfterS } from './retry-after.js';
import { sendJson } from './send-json.js';

const codeOfStatus: Readonly<Record<number, ProblemCode>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  406: 'not-acceptable',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
  417: 'expectation-failed',
  421: 'misdirected-request',
  429: 'too-many-requests',
  503: 'not-ready',
};

/** Replaces the problem document for callers of some paths by other JSON. Undefined: the document. */
type BodyFor = (path: string, problem: Problem) => object | undefined;

/** Answers every thrown error with a problem document (RFC 9457). Internal details stay in the log. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = loggerOf('request');

  /** @param now the clock of the journal */
  constructor(
    private readonly operations: Operations,
    private readonly refusals: Refusals,
    private readonly now: () => number,
    private readonly bodyFor: BodyFor = () => undefined,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const body = this.problemOf(error, request, response);
    // These details contain only words of the service.
    const detail = body.status === 503 || body.status === 429 ? body.detail : undefined;
    this.refusals.count(codeOfProblem(body), request, detail);
    if (body.status === 500)
      this.logger.error({ msg: textOf(error), ...originFields(contextOf(request)), err: error });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const waitS = retryAfterS(body, this.now());
    if (waitS !== undefined) response.setHeader('Retry-After', waitS);
    if ('runId' in body) response.setHeader('Location', linkTo(request, `/runs/${String(body.runId)}`));
    response.setHeader('Cache-Control', NO_STORE);
    const other = this.bodyFor(pathOf(request), body);
    const type = other ? 'application/json' : 'application/problem+json';
    response.status(body.status).setHeader('Content-Type', `${type}; charset=utf-8`);
    sendJson(response, JSON.stringify(other ?? body));
  }

  private problemOf(error: unknown, request: Request, response: Response): Problem {
    const path = pathOf(request);
    const place = { base: linkTo(request, ''), path };
    if (error instanceof DomainError) return problem(error.code, error.message, place, error.details);
    const code = codeOf(error);
    if (code === 'not-found') {
      const methods = this.operations.methodsOf(path);
      if (methods.length > 0) {
        response.setHeader('Allow', methods.join(', '));
        return problem('method-not-allowed', `${path} answers to ${methods.join(', ')}`, place);
      }
      // Not Express's own message: it contains the query, which may have a token.
      return problem(code, `Nothing answers at ${path}`, place);
    }
    if (code === 'internal-error')
      return problem(code, 'Something went wrong; the log of the service says what', place);
    const detail = error instanceof Error ? error.message : problemTypes[code].title;
    return problem(code, detail, place, code === 'not-ready' ? { error: failedChecks(error) } : {});
  }
}

/** The kind of an error that came from Nest, Express or the body parser. */
function codeOf(error: unknown): ProblemCode {
  if (!(error instanceof HttpException)) return 'internal-error';
  const { cause } = error;
  if (
    typeof cause === 'object' &&
    cause !== null &&
    'type' in cause &&
    cause.type === 'entity.parse.failed'
  ) {
    return 'malformed-json';
  }
  const status = error.getStatus();
  return codeOfStatus[status] ?? (status < 500 ? 'bad-request' : 'internal-error');
}

/** Which of terminus's health checks failed, and why. */
function failedChecks(error: unknown): unknown {
  const result = error instanceof HttpException ? error.getResponse() : {};
  return typeof result === 'object' && 'error' in result ? result.error : {};
}
