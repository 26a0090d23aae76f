import { z } from 'zod';
import { headerNameMistake } from './header-template.js';

/** Headers that describe the caller’s own request, or that the service sets itself. */
const OWN = /^(?:content-.*|accept-encoding|idempotency-key|traceparent)$/i;

export const forwardHeadersSchema = z
  .array(z.string())
  .max(50)
  .superRefine((names, context) => {
    names.forEach((name, index) => {
      const report = (message: string) => context.addIssue({ code: 'custom', path: [index], message });
      const mistake = headerNameMistake(name);
      if (mistake !== undefined) report(mistake);
      else if (OWN.test(name)) report(`${name} is the service’s own or of another body; take it out`);
      else if (names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < index)
        report(`${name} is there twice`);
    });
  })
  .meta({
    description:
      'Names of headers of the request that starts a run, which go along with the calls as they came. They are kept with the run, also on disk, and never shown or logged. Redirects to other origins don’t get them.',
    examples: [['Accept-Language', 'X-Tenant']],
  });

/** Reports headers that would be sent twice. */
export function checkForwarded(
  options: {
    readonly headers?: Readonly<Record<string, string>> | undefined;
    readonly forwardHeaders?: readonly string[] | undefined;
  },
  report: (path: readonly PropertyKey[], message: string) => void,
): void {
  const { headers = {}, forwardHeaders = [] } = options;
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  forwardHeaders.forEach((name, index) => {
    if (named.has(name.toLowerCase()))
      report(['forwardHeaders', index], `${name} is among headers too; take one of them out`);
  });
}
