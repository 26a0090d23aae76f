import { parseJson } from '../core/exact-json.js';
import { textOf } from '../core/thrown.js';
import { environmentOf, UsageError, type Terminal } from '../command-line/command.js';
import { plain } from './text.js';

/** What a service that runs answers, or that none does. */
export class ServiceError extends Error {
  override name = 'ServiceError';

  constructor(
    message: string,
    /** The status of its answer; undefined where there is none. */
    readonly status?: number,
  ) {
    super(message);
  }

  /** Of a command that ends for it. */
  get exitCode(): number {
    return this.status === undefined ? 3 : 1;
  }

  /** Whether the same request may be answered later. */
  get passes(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500;
  }
}

/** What the commands that call a service say of it. */
export const SERVICE_USAGE = `  --url    Where the service is. Default: FRONTRUNNER_URL, else HOST and PORT.

FRONTRUNNER_API_KEY is the API key, where the service needs one: in an argument others on the machine would see it.
Variables may be set in a file .env.
`;

/** Of parseArgs, for the same commands. */
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
    return new Client(addressOf(url ?? env.FRONTRUNNER_URL, env), env.FRONTRUNNER_API_KEY);
  }

  /** An answer that is no problem. @throws {ServiceError} */
  async request(path: string, { headers, ...rest }: Request = {}): Promise<Response> {
    const authorization = this.key ? { Authorization: `Bearer ${this.key}` } : {};
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, { ...rest, headers: { ...headers, ...authorization } });
    } catch (error) {
      throw this.unreached(error);
    }
    if (response.ok) return response;
    throw new ServiceError(await this.refusal(response), response.status);
  }

  /** The JSON of an answer. @throws {ServiceError} */
  async json(path: string): Promise<unknown> {
    const response = await this.request(path);
    return parseJson(await response.text());
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

  private async refusal(response: Response): Promise<string> {
    const text = await response.text();
    if (!/^application\/problem\+json\b/.test(response.headers.get('Content-Type') ?? ''))
      return `${this.url} answers ${response.status}, and not as Frontrunner does; say where the service is: --url, or FRONTRUNNER_URL`;
    const problem = parseJson(text) as Problem;
    const parts = [...(problem.errors ?? []), ...(problem.failures ?? [])].map((part) => {
      const where = part.subTask ?? part.pointer ?? part.parameter ?? part.header ?? '';
      return `  ${where === '' ? 'the body' : where}: ${part.message ?? part.detail ?? ''}`;
    });
    const mend = response.status === 401 ? ['Set FRONTRUNNER_API_KEY to a key of the service'] : [];
    const run = problem.runId === undefined ? '' : ` (run ${problem.runId})`;
    return [`${problem.title}${run}: ${problem.detail}`, ...parts, ...mend].map(plain).join('\n');
  }
}

interface Problem {
  readonly title: string;
  readonly detail: string;
  readonly runId?: string;
  readonly errors?: readonly ProblemPart[];
  readonly failures?: readonly ProblemPart[];
}

type ProblemPart = Partial<
  Readonly<Record<'pointer' | 'parameter' | 'header' | 'detail' | 'subTask' | 'message', string>>
>;

/** Where the service is, without a slash at the end. @throws {UsageError} */
function addressOf(text: string | undefined, env: NodeJS.ProcessEnv): string {
  const address = said(text) ?? `http://${hostOf(env.HOST)}:${said(env.PORT) ?? '3000'}`;
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new UsageError(`The service is at a URL such as http://127.0.0.1:3000, not at ${address}`);
  if (url.port === '0') throw new UsageError('PORT is 0: say where the service is with --url');
  return url.href.replace(/\/+$/, '');
}

/** An empty variable counts as unset. */
function said(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Where to call a service that listens on a host. */
function hostOf(host = ''): string {
  if (['', '0.0.0.0', '::'].includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
