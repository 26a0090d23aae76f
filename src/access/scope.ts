/** What an API key may do: start and change runs, or look at them. Neither implies the other. */
export const SCOPES = ['runs:write', 'runs:read'] as const;

export type Scope = (typeof SCOPES)[number];

/** What asks for this starts or changes runs. */
export const WRITES: Scope = 'runs:write';

/** What an operation asks for that doesn't say it itself. */
export function defaultScope(method: string): Scope {
  return /^(get|head)$/i.test(method) ? 'runs:read' : 'runs:write';
}
