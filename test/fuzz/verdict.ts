import { problemTypes, type Problem } from '../../src/http/problems.js';
import { INTERNALS } from '../support/problem.js';
import type { Answer } from './answer.ts';
import type { Contract, Operation } from './contract.ts';
import type { WireRequest } from './wire-request.ts';

/** Paths that no operation describes, and that answer nevertheless. */
const UNDESCRIBED = /^\/((docs|ui)(\/.*)?|openapi\.json|sign-in|sign-out)?$/i;

/** Paths whose refusals clients of OpenAI read. */
const OF_OPENAI = /^\/openai\//i;

/** Bytes from which a refusal may be lost: it closes the connection while the rest is still being sent. */
const MAY_BE_CUT_OFF = 16 * 1024;

/** One object each: a schema is compiled when it is first seen. */
const OPENAI_ERROR = { $ref: '#/components/schemas/OpenAiError' };
const PROBLEM = { $ref: '#/components/schemas/Problem' };

/** What is wrong with an answer; undefined when nothing is. */
export function verdict(
  contract: Contract,
  request: WireRequest,
  answer: Answer | undefined,
): string | undefined {
  if (!answer)
    return request.whole && request.bytes.length < MAY_BE_CUT_OFF
      ? 'The connection was closed without an answer'
      : undefined;
  const { status, body } = answer;
  if (status === 0) return 'This is no answer of HTTP/1.1';
  if (INTERNALS.test(body)) return 'The answer tells of the inside';
  const operation = request.line && contract.operation(request.line.method, request.line.path);
  if (operation) return ofOperation(contract, operation, request, answer);
  if (request.line?.method === 'OPTIONS' && status === 204 && answer.headers.allow) return undefined;
  if (status < 400) {
    if (UNDESCRIBED.test(request.line?.path ?? '') || !request.whole) return undefined;
    return `${status} where nothing is`;
  }
  if (status >= 500) return 'A fault of the service';
  return OF_OPENAI.test(request.line?.path ?? '') && isReadable(answer)
    ? ofOpenAi(contract, answer)
    : ofProblem(contract, answer);
}

function ofOperation(
  contract: Contract,
  { responses }: Operation,
  request: WireRequest,
  answer: Answer,
): string | undefined {
  const { status, headers, body } = answer;
  const documented = responses[status];
  if (status === 500) return 'A fault of the service';
  if (!documented) return `${status} is not documented`;
  if (request.kind === 'valid' && [405, 413, 415, 417, 431].includes(status))
    return 'A valid request is refused';
  const type = headers['content-type']?.split(';', 1)[0] ?? '';
  if (OF_OPENAI.test(request.line?.path ?? '') && status >= 400)
    return isReadable(answer) ? ofOpenAi(contract, answer) : ofProblem(contract, answer);
  // The document names parameters of a type too.
  const [, content] =
    Object.entries(documented.content ?? {}).find(([name]) => name.split(';', 1)[0] === type) ?? [];
  if (documented.content && !content)
    return `Answers ${status} with the type ${type}, which is not documented`;
  if (status >= 400) {
    const mistake = ofProblem(contract, answer);
    if (mistake !== undefined || body === '') return mistake;
    const code = (JSON.parse(body) as Problem).type.slice('/problems/'.length);
    return code in (content?.examples ?? {}) ? undefined : `The problem ${code} is not documented`;
  }
  if (type !== 'application/json' || body === '' || !content?.schema) return undefined;
  return contract.mistake(content.schema, JSON.parse(body));
}

/** Statuses of what is refused, as a problem, before its path is known. */
const BEFORE_ITS_PATH: ReadonlySet<number> = new Set([400, 408, 413, 431]);

/** Whether a refusal below /openai/ must be one that clients of OpenAI read. */
function isReadable({ status, headers }: Answer): boolean {
  return !(
    BEFORE_ITS_PATH.has(status) && /^application\/problem\+json\b/.test(headers['content-type'] ?? '')
  );
}

function ofOpenAi(contract: Contract, { body }: Answer): string | undefined {
  return body === '' ? undefined : contract.mistake(OPENAI_ERROR, JSON.parse(body));
}

/** What is wrong with an answer as a problem document (RFC 9457). */
function ofProblem(contract: Contract, { status, headers, body }: Answer): string | undefined {
  if (!/^application\/problem\+json\b/.test(headers['content-type'] ?? ''))
    return `${status} without a problem document`;
  if (body === '') return undefined;
  const problem = JSON.parse(body) as Problem;
  const code = problem.type.slice('/problems/'.length) as keyof typeof problemTypes;
  if (!Object.hasOwn(problemTypes, code)) return `A problem of a type that is unknown: ${problem.type}`;
  const { title, status: documented } = problemTypes[code];
  if (problem.title !== title || problem.status !== status || documented !== status)
    return `A problem document with another status or title than ${status} ${title}`;
  return contract.mistake(PROBLEM, problem);
}
