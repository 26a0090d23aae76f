/** What operations ask for: to start and change runs, to look at them, to look after the nodes and all runs, or to read metrics. None implies another. */
const NEEDS = ['runs:write', 'runs:read', 'admin', 'metrics:read'] as const;

export type NeededScope = (typeof NEEDS)[number];

/** What an API key may do: what operations ask for, with all runs or with those that it has started. */
export const SCOPES = [...NEEDS, 'runs:write:own', 'runs:read:own'] as const;

export type Scope = (typeof SCOPES)[number];

/** What asks for this starts or changes runs. */
export const WRITES: NeededScope = 'runs:write';

/** What an operation asks for that doesn't say it itself. */
export function defaultScope(method: string): NeededScope {
  return /^(get|head)$/i.test(method) ? 'runs:read' : 'runs:write';
}
