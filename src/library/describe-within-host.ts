import type { OpenAPIObject } from '@nestjs/swagger';

const START =
  'Start with `GET /tasks`, then `POST /tasks/{name}/runs`, and follow its `Location`. Errors are problem documents (RFC 9457); each kind has a page below `/problems`.';
const ACCESS =
  'The guards of the application decide who may call (401, 403). Pages of other origins may call if `http.origins` names them; of other pages, whatever starts or changes runs is refused (403 `foreign-page`).';

interface Operation {
  security?: unknown;
  readonly responses: Record<string, { readonly headers?: Record<string, unknown> }>;
}

/** Removes from the service's document what an instance within an application lacks: API keys, the rate limit, and rules for `Host`. */
export function describeWithinHost(document: OpenAPIObject): void {
  const [what = '', , ids = '', methods = ''] = (document.info.description ?? '').split('\n\n');
  const [methodsAlone = ''] = methods.split(' A body may be announced');
  document.info.description = [what, START, ids, methodsAlone, ACCESS].join('\n\n');
  delete document.security;
  delete document.components?.securitySchemes;
  const shared = document.components?.responses as Operation['responses'] | undefined;
  for (const name of ['MisdirectedRequest', 'MisdirectedRequestHead']) delete shared?.[name];
  withoutRateLimit(shared);
  for (const operations of Object.values(document.paths))
    for (const operation of Object.values(operations as Record<string, Operation>)) {
      delete operation.security;
      delete operation.responses['421'];
      withoutRateLimit(operation.responses);
    }
}

function withoutRateLimit(responses: Operation['responses'] = {}): void {
  for (const { headers = {} } of Object.values(responses)) {
    delete headers.RateLimit;
    delete headers['RateLimit-Policy'];
  }
}
