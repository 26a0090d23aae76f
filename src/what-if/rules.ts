import { startDelay, startRuleSchema, type StartRule } from '../core/start-rule.js';
import type { PlacedRule } from './replayed-run.js';

/** The rules of the curve, for all sub-tasks but the first, from the fewest extra starts to the most. */
export const CURVE = [
  'after-failure',
  'p99.9',
  'p99',
  'p98',
  'p95',
  'p90',
  'p80',
  'p70',
  'p60',
  'p50',
  'p25',
  'at-once',
] as const;

/** Parses a start rule such as `p90`, `150ms` or `after-failure`; undefined for anything else. */
export function ruleOf(text: string): StartRule | undefined {
  return [text, { after: text }].map((form) => startRuleSchema.safeParse(form)).find(({ success }) => success)
    ?.data;
}

/** The first sub-task at once, and all others by the given rule. */
export function allBehindFirst(rule: StartRule, count: number): StartRule[] {
  return Array.from({ length: count }, (_, place) => (place === 0 ? 'at-once' : rule));
}

/** The same rules, but no time starts a sub-task. */
export function withoutTimes(rules: readonly StartRule[]): PlacedRule[] {
  return rules.map((rule) => ({ rule: typeof rule === 'object' ? 'after-failure' : rule, delayMs: 0 }));
}

/** @param quantileMs quantiles of the reply times without hedges; undefined when there were no replies */
export function placed(
  rules: readonly StartRule[],
  quantileMs: (quantile: number) => number | undefined,
): PlacedRule[] {
  return rules.map((rule) => {
    if (typeof rule !== 'object') return { rule, delayMs: 0 };
    const delay = startDelay(rule);
    if (!delay) return { rule: 'after-failure', delayMs: 0 };
    return {
      rule: 'after-delay',
      delayMs: 'ms' in delay ? delay.ms : (quantileMs(delay.quantile) ?? delay.coldStartMs),
    };
  });
}
