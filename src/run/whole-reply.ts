import type { JsonValue } from '../core/json.js';
import type { Reply } from '../core/run.js';

interface Replied {
  readonly name: string;
  readonly wholeResult: JsonValue | undefined;
}

/** The reply for callers that wait for it: with the values that the journal must not have, as far as this process has them. */
export function wholeReply(reply: Reply, subTasks: readonly Replied[]): Reply {
  if (!('answeredBy' in reply)) return reply;
  const { answeredBy, result } = reply;
  const whole = subTasks.filter(({ wholeResult }) => wholeResult !== undefined);
  if (typeof answeredBy === 'string') {
    const winner = whole.find(({ name }) => name === answeredBy);
    return winner ? { ...reply, result: winner.wholeResult ?? null } : reply;
  }
  const results = whole.flatMap(({ name, wholeResult = null }) =>
    answeredBy.includes(name) ? [[name, wholeResult] as const] : [],
  );
  return {
    ...reply,
    result: { ...(result as Readonly<Record<string, JsonValue>>), ...Object.fromEntries(results) },
  };
}
