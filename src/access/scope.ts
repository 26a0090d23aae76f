/**
 * What operations ask for: to start and change runs, to look at them, to have events sent, to look after the nodes and all runs, or to read
 * metrics. None implies another.
 */
const NEEDS = ['runs:write', 'runs:read', 'webhooks:write', 'admin', 'metrics:read'] as const;

export type NeededScope = (typeof NEEDS)[number];

/** What an API key may do: what operations ask for, with all runs or with those that it has started. */
export const SCOPES = [...NEEDS, 'runs:write:own', 'runs:read:own'] as const;

export type Scope = (typeof SCOPES)[number];

/** What asks for this starts or changes runs. */
export const WRITES = 'runs:write' satisfies NeededScope;

const READING = ['runs:read'] as const satisfies NeededScope[];
const WRITING = [WRITES] as const;

/** What an operation asks for that doesn't say it itself. */
export function defaultScopes(method: string): readonly NeededScope[] {
  return /^(get|head)$/i.test(method) ? READING : WRITING;
}
