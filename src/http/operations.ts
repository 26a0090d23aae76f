import type { OpenAPIObject } from '@nestjs/swagger';
import type { Request } from 'express';

/** The media type of HTML forms. Browsers send it without a preflight, so routes that take it must check the origin. */
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** The part of an OpenAPI operation that decides how requests are received. */
interface Operation {
  /** Media types of a successful answer; empty for answers without a body. */
  readonly produces: readonly string[];
  /** Scopes that the operation requires. */
  readonly scopes: readonly string[];
  /** Whether the operation takes a form besides JSON. */
  readonly takesForm: boolean;
}

interface Path {
  /** The path in the document, such as `/runs/{id}`. */
  readonly template: string;
  readonly pattern: RegExp;
  readonly operations: ReadonlyMap<string, Operation>;
}

/** The operations of the OpenAPI document. Like the router, they ignore the case and a last slash of a path. */
export class Operations {
  private readonly paths: readonly Path[];

  /**
   * @param pages further pages, such as those that show the document
   * @param forms further pages with forms, with their methods
   */
  constructor(
    document: OpenAPIObject,
    pages: readonly string[],
    forms: Readonly<Record<string, readonly string[]>> = {},
  ) {
    const methods = [...pages.map((path) => [path, ['get', 'head']] as const), ...Object.entries(forms)];
    const others = methods.map(
      ([path, names]) => [path, Object.fromEntries(names.map((name) => [name, PAGE]))] as const,
    );
    this.paths = [...Object.entries(document.paths), ...others].map(([path, item]) => ({
      template: path,
      pattern: new RegExp(`^${path.replace(/\/$/, '').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`, 'i'),
      operations: new Map(
        Object.entries(item as Record<string, DescribedOperation>).map(
          ([method, { responses, security = [], requestBody }]) => [
            method.toUpperCase(),
            {
              produces: typesOf(responses),
              scopes: security.flatMap((needed) => Object.values(needed).flat()),
              takesForm: FORM_TYPE in ((requestBody as { content?: object } | undefined)?.content ?? {}),
            },
          ],
        ),
      ),
    }));
  }

  /** The methods of a path; empty for a path that doesn't exist. */
  methodsOf(path: string): readonly string[] {
    const found = this.paths.find(({ pattern }) => pattern.test(path));
    return found ? [...found.operations.keys(), 'OPTIONS'] : [];
  }

  /** The path of a request as the document writes it; undefined for a path that doesn’t exist. */
  routeOf(request: Parameters<typeof pathOf>[0]): string | undefined {
    const path = pathOf(request);
    return this.paths.find(({ pattern }) => pattern.test(path))?.template;
  }

  /** All methods of all paths. */
  get methods(): readonly string[] {
    return [...new Set(this.paths.flatMap(({ operations }) => [...operations.keys()])), 'OPTIONS'];
  }

  /** The operation of a request, if there is one; for HEAD the operation of GET. */
  find(request: Request): Operation | undefined {
    const path = pathOf(request);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    return this.paths.find(({ pattern }) => pattern.test(path))?.operations.get(method);
  }
}

type DocumentedOperation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type DescribedOperation = Pick<DocumentedOperation, 'responses' | 'security' | 'requestBody'>;

/** Describes only that there is a form. */
const PAGE: DescribedOperation = { responses: {}, requestBody: { content: { [FORM_TYPE]: {} } } };

function typesOf(responses: DocumentedOperation['responses']): string[] {
  const types = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, response]) => Object.keys((response as { content?: object }).content ?? {}));
  return [...new Set(types)];
}

/**
 * The path of a request, without the base path of an outer application. The request may also name a whole URL, as requests to proxies do
 * (RFC 9112, 3.2.2).
 */
export function pathOf({
  originalUrl,
  // Express has removed it when no handler has answered.
  baseUrl = '',
}: Pick<Request, 'originalUrl'> & { readonly baseUrl?: string }): string {
  const url = originalUrl.split(/[?#]/, 1)[0] ?? '';
  const path = url.startsWith('/') ? url : url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '') || url;
  return path.slice(baseUrl.length) || '/';
}
