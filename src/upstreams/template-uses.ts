import { textsOf } from './body-template.js';
import { urlTemplate, variablesOfUrl } from './environment-url.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';
import { tokensOf } from './template-text.js';

/** A name that a request's template uses, and the path to that template in the options. */
export interface Use {
  readonly path: readonly PropertyKey[];
  readonly name: string;
}

/** The names that the templates of a request use. */
interface Uses {
  readonly input: readonly Use[];
  readonly environment: readonly Use[];
  /** The names of the caller’s headers, in lower case. */
  readonly callerHeaders: readonly Use[];
}

/** @param options as `httpRequestSchema` has checked them */
export function usesOf({
  url,
  headers = {},
  body,
  form,
  text,
  forwardHeaders = [],
}: HttpRequestOptions): Uses {
  const at = (path: Use['path']) => (name: string) => ({ path, name });
  const input = urlTemplate(url).variables.map(at(['url']));
  const environment = variablesOfUrl(url).map(at(['url']));
  const callerHeaders = forwardHeaders.map((name) => at(['forwardHeaders'])(name.toLowerCase()));
  const texts: (readonly [Use['path'], string])[] = [
    ...Object.entries(headers).map(([name, text]) => [['headers', name], text] as const),
    ...textsOf(body ?? null, ['body']),
    ...textsOf(form ?? null, ['form']),
    ...textsOf(text ?? null, ['text']),
  ];
  for (const [path, template] of texts) {
    for (const token of tokensOf(template, path[0] === 'headers')) {
      if ('variable' in token) input.push({ path, name: token.variable });
      if ('header' in token) callerHeaders.push({ path, name: token.header });
      if ('environment' in token) environment.push({ path, name: token.environment });
    }
  }
  return { input, environment, callerHeaders };
}
