import type { OpenAPIObject } from '@nestjs/swagger';
import type { OperationObject } from './common-contract.js';

const PROBLEM_TYPE = 'application/problem+json';

interface Response {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly examples?: object }>>;
}

interface Shared {
  readonly text: string;
  readonly uses: { readonly responses: Record<string, unknown>; readonly status: string }[];
}

/** Which problems a response may be; none for what is none. */
export function problemsOf(response: object): string[] {
  return Object.keys((response as Response).content?.[PROBLEM_TYPE]?.examples ?? {});
}

/** Describes the problems that several operations answer with alike once, among the components; returns those, by name. */
export function foldProblems(operations: readonly OperationObject[]): Record<string, object> {
  const shared = new Map<string, Shared>();
  for (const { responses } of operations)
    for (const [status, response] of Object.entries(responses)) {
      const codes = problemsOf(response as object);
      if (codes.length === 0) continue;
      const [name, text] = [codes.map(inPascalCase).join('Or'), JSON.stringify(response)];
      const same = shared.get(name) ?? { text, uses: [] };
      shared.set(name, same);
      // Those of health, which have fewer headers than all others, stay where they are.
      if (same.text === text) same.uses.push({ responses, status });
    }
  const folded = [...shared].filter(([, { uses }]) => uses.length > 1);
  for (const [name, { uses }] of folded)
    for (const { responses, status } of uses) responses[status] = { $ref: PLACE + name };
  return Object.fromEntries(folded.map(([name, { text }]) => [name, JSON.parse(text) as object]));
}

const PLACE = '#/components/responses/';

/** A response, also where the document has it among its components. */
export function resolved({ components }: OpenAPIObject, response: object): object {
  const { $ref: reference } = response as Response;
  return reference === undefined ? response : (components?.responses?.[reference.slice(PLACE.length)] ?? {});
}

function inPascalCase(code: string): string {
  return code.replaceAll(/(?:^|-)(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
