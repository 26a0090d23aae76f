/**
 * The scopes that operations need: to start and change runs, to read them, to manage webhooks, to administer the nodes and all runs, and
 * to read metrics. None includes another.
 */
const NEEDS = ['runs:write', 'runs:read', 'webhooks:write', 'admin', 'metrics:read'] as const;

export type NeededScope = (typeof NEEDS)[number];

/** The scopes that an API key can have: those above, and those that are limited to runs which the client has started. */
export const SCOPES = [...NEEDS, 'runs:write:own', 'runs:read:own'] as const;

export type Scope = (typeof SCOPES)[number];

/** The scope of operations that start or change runs. */
export const WRITES = 'runs:write' satisfies NeededScope;

const READING = ['runs:read'] as const satisfies NeededScope[];
const WRITING = [WRITES] as const;

/** The scopes that an operation needs by default. */
export function defaultScopes(method: string): readonly NeededScope[] {
  return /^(get|head)$/i.test(method) ? READING : WRITING;
}
