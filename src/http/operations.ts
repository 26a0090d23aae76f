import type { OpenAPIObject } from '@nestjs/swagger';
import type { Request } from 'express';

/** Of the forms of pages. A browser sends it without asking first, so what takes it must mind where it comes from. */
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** What of an operation of the OpenAPI document decides how requests are received. */
interface Operation {
  /** The media types that it answers with when it succeeds; none when it answers without a body. */
  readonly produces: readonly string[];
  /** The scopes that it asks for. */
  readonly scopes: readonly string[];
  /** Whether it takes the body of a form besides JSON. */
  readonly takesForm: boolean;
}

interface Path {
  /** As the document has it, such as `/runs/{id}`. */
  readonly template: string;
  readonly pattern: RegExp;
  readonly operations: ReadonlyMap<string, Operation>;
}

/** What the service answers to, by its OpenAPI document; like the router, whatever the case and the last slash of a path. */
export class Operations {
  private readonly paths: readonly Path[];

  /**
   * @param pages that it has besides, such as those that show the document
   * @param forms pages that are forms, with their methods
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

  /** The methods that a path answers to; none for a path that doesn't exist. */
  methodsOf(path: string): readonly string[] {
    const found = this.paths.find(({ pattern }) => pattern.test(path));
    return found ? [...found.operations.keys(), 'OPTIONS'] : [];
  }

  /** The path that a request asks for, as the document writes it; undefined for one that doesn’t exist. */
  routeOf(request: Parameters<typeof pathOf>[0]): string | undefined {
    const path = pathOf(request);
    return this.paths.find(({ pattern }) => pattern.test(path))?.template;
  }

  /** The methods that any path answers to. */
  get methods(): readonly string[] {
    return [...new Set(this.paths.flatMap(({ operations }) => [...operations.keys()])), 'OPTIONS'];
  }

  /** The operation that a request asks for, if there is one; for HEAD that of GET, whose media types it has. */
  find(request: Request): Operation | undefined {
    const path = pathOf(request);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    return this.paths.find(({ pattern }) => pattern.test(path))?.operations.get(method);
  }
}

type DocumentedOperation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type DescribedOperation = Pick<DocumentedOperation, 'responses' | 'security' | 'requestBody'>;

/** Of forms, no more is said than that they are. */
const PAGE: DescribedOperation = { responses: {}, requestBody: { content: { [FORM_TYPE]: {} } } };

function typesOf(responses: DocumentedOperation['responses']): string[] {
  const types = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, response]) => Object.keys((response as { content?: object }).content ?? {}));
  return [...new Set(types)];
}

/**
 * The path that a request asks for, also where it names the whole URL as for a proxy (RFC 9112, 3.2.2); without what the application
 * around it has in front.
 */
export function pathOf({
  originalUrl,
  // There is none any more once no handler has answered.
  baseUrl = '',
}: Pick<Request, 'originalUrl'> & { readonly baseUrl?: string }): string {
  const url = originalUrl.split(/[?#]/, 1)[0] ?? '';
  const path = url.startsWith('/') ? url : url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '') || url;
  return path.slice(baseUrl.length) || '/';
}
