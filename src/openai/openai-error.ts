import { stepsOf } from '../core/json-pointer.js';
import { codeOfProblem, type Problem } from '../http/problems.js';

/** An error in the form of OpenAI's API. */
export interface OpenAiError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The member of the request that is wrong, such as `messages[0].role`. */
    readonly param: string | null;
    readonly code: string;
  };
}

const OF_STATUS: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** Whether callers of a path are clients of OpenAI. */
export function isOpenAiPath(path: string): boolean {
  return /^\/openai\//i.test(path);
}

/** The error for callers of a path; undefined where they are no clients of OpenAI. */
export function openAiErrorAt(path: string, problem: Problem): OpenAiError | undefined {
  return isOpenAiPath(path) ? openAiError(problem) : undefined;
}

/** Translates a problem into OpenAI’s form. */
export function openAiError(problem: Problem): OpenAiError {
  const { status, detail } = problem;
  const { errors = [], failures = [] } = problem as Details;
  const [first] = errors;
  const param = first?.pointer === undefined ? null : parameterOf(first.pointer);
  const causes = failures.map(({ subTask, message }) => `${subTask}: ${message}`);
  const message = first ? `${param ?? first.header ?? 'The body'}: ${first.detail}` : detail;
  return {
    error: {
      message: [message, ...causes].join('; '),
      type: OF_STATUS[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error'),
      param,
      code: codeOfProblem(problem),
    },
  };
}

interface Details {
  readonly errors?: readonly {
    readonly pointer?: string;
    readonly header?: string;
    readonly detail: string;
  }[];
  readonly failures?: readonly { readonly subTask: string; readonly message: string }[];
}

/** OpenAI's name of the member at a JSON Pointer into the body. Null for the whole body. */
function parameterOf(pointer: string): string | null {
  const steps = stepsOf(pointer.replace(/^\/input(?=\/|$)/, ''));
  const path = steps.map((name) => (/^\d+$/.test(name) ? `[${name}]` : `.${name}`)).join('');
  return path === '' ? null : path.replace(/^\./, '');
}
