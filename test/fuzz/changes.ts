import type { RequestParts } from './wire-request.ts';

/** With another text as a step of its path. */
export function withStep(request: RequestParts, place: number, text: string): RequestParts {
  const [path = '', ...query] = request.target.split('?');
  const target = [path.split('/').toSpliced(place, 1, text).join('/'), ...query].join('?');
  return { ...request, target };
}

/** With one more parameter in its query. */
export function withQuery(request: RequestParts, parameter: string): RequestParts {
  return { ...request, target: `${request.target}${request.target.includes('?') ? '&' : '?'}${parameter}` };
}

/** With a header besides those that it has, as often as that. */
export function withHeader(request: RequestParts, name: string, value: string, times = 1): RequestParts {
  const added = Array.from({ length: times }, () => [name, value] as const);
  return { ...request, headers: [...request.headers, ...added] };
}

export function withBody(request: RequestParts, body: string | Buffer): RequestParts {
  return { ...request, body: Buffer.from(body) };
}

/** The places of the parameters among the steps of a path. */
export function parameterPlaces(path: string): number[] {
  return path.split('/').flatMap((step, place) => (step.startsWith('{') ? [place] : []));
}
