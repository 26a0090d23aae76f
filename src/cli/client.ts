import { z } from 'zod';
import { environmentOf, UsageError, type Terminal } from '../command-line/command.js';
import { parseJson } from '../core/exact-json.js';
import { textOf } from '../core/thrown.js';
import { addressOf } from './service-address.js';
import { ServiceError } from './service-error.js';
import { plain } from './text.js';

/** Help text of the commands that call a service. */
export const SERVICE_USAGE = `  --url    Where the service is. Default: FRONTRUNNER_URL, else HOST and PORT.

FRONTRUNNER_API_KEY is the API key, where the service needs one: in an argument others on the machine would see it.
Variables may be set in a file .env.
`;

/** Options of these commands, for parseArgs. */
export const SERVICE_OPTIONS = {
  url: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

interface Request {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Calls a service that runs. */
export class Client {
  private constructor(
    readonly url: string,
    private readonly key: string | undefined,
  ) {}

  /** @throws {UsageError} */
  static of(url: string | undefined, terminal: Terminal): Client {
    const env = environmentOf(terminal);
    const key = env.FRONTRUNNER_API_KEY;
    if (key && !isHeader(key)) throw new UsageError('FRONTRUNNER_API_KEY has characters that no key has');
    return new Client(addressOf(url ?? env.FRONTRUNNER_URL, env), key);
  }

  /** Sends a request. @throws {ServiceError} for an answer with an error status, and without an answer */
  async request(path: string, { headers, ...rest }: Request = {}): Promise<Response> {
    const authorization = this.key ? { Authorization: `Bearer ${this.key}` } : {};
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, { ...rest, headers: { ...headers, ...authorization } });
    } catch (error) {
      throw this.unreached(error);
    }
    if (response.ok) return response;
    throw await this.refusal(response);
  }

  /** An answer's JSON in the given shape, and its text. @throws {ServiceError} */
  async read<T>(
    response: Response,
    shape: z.ZodType<T>,
  ): Promise<{ readonly value: T; readonly text: string }> {
    const text = await this.textOf(response);
    const value = isJson(response) ? jsonOf(text) : undefined;
    if (!shape.safeParse(value).success) throw this.foreign(response);
    return { value: value as T, text };
  }

  /** The error for an answer that isn't from Frontrunner. */
  foreign({ status, headers }: Response): ServiceError {
    return new ServiceError(
      `${this.url} answers ${status}, and not as Frontrunner does; say where the service is: --url, or FRONTRUNNER_URL`,
      status,
      3,
      headers.get('Retry-After'),
    );
  }

  private async textOf(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      throw this.unreached(error);
    }
  }

  private unreached(error: unknown): ServiceError {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    const reason = cause?.code ?? textOf(cause ?? error);
    return new ServiceError(
      cause?.code === 'ECONNREFUSED'
        ? `Nothing listens at ${this.url}; start the service with frontrunner serve, or say where it is: --url, or FRONTRUNNER_URL`
        : `${this.url} was not reached (${reason}); say where the service is: --url, or FRONTRUNNER_URL`,
    );
  }

  private async refusal(response: Response): Promise<ServiceError> {
    const { status, headers } = response;
    const { data: problem } = problemSchema.safeParse(jsonOf(await this.textOf(response)));
    if (!problem || !isJson(response)) return this.foreign(response);
    const parts = [...(problem.errors ?? []), ...(problem.failures ?? [])].map((part) => {
      const where = part.subTask ?? part.pointer ?? part.parameter ?? part.header ?? '';
      return `  ${where === '' ? 'the body' : where}: ${part.message ?? part.detail ?? ''}`;
    });
    const mend = status === 401 ? ['Set FRONTRUNNER_API_KEY to a key of the service'] : [];
    const run = problem.runId === undefined ? '' : ` (run ${problem.runId})`;
    const lines = [`${problem.title}${run}: ${problem.detail}`, ...parts, ...mend];
    return new ServiceError(lines.map(plain).join('\n'), status, 1, headers.get('Retry-After'));
  }
}

const text = z.string().optional();
const partSchema = z.object({
  ...{ pointer: text, parameter: text, header: text, detail: text, subTask: text, message: text },
});
const problemSchema = z.object({
  title: z.string(),
  detail: z.string(),
  runId: text,
  errors: z.array(partSchema).optional(),
  failures: z.array(partSchema).optional(),
});

/** Includes problem documents. */
function isJson({ headers }: Response): boolean {
  return /^application\/(problem\+)?json\b/.test(headers.get('Content-Type') ?? '');
}

/** Undefined for a text that is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Whether a header may have this value. */
function isHeader(value: string): boolean {
  try {
    return new Headers({ value }).has('value');
  } catch {
    return false;
  }
}
