import { z } from 'zod';
import { durationSchema, milliseconds, type Duration } from './duration.js';

/** Longest `window`. It bounds how much a breaker has to remember. */
const MOST_WINDOW_MS = 300_000;

const MOST_NAME = 200;

/** When the breaker of an upstream opens, and for how long. */
export interface BreakerOptions {
  /**
   * Name of the upstream. Sub-tasks that name the same upstream share its breaker. Default: the origin of a literal URL. Where the URL is not
   * literal, and for a shadow: a breaker for the sub-task alone.
   */
  upstream?: string;
  /** Length of the window in which attempts are counted, at most 5 min. Default 30 s. */
  window?: Duration;
  /** Fewest attempts in the window with which the breaker may open. Default 10. */
  least?: number;
  /** The breaker opens when this share of the attempts has failed. Default `50%`. */
  failures?: string;
  /** An attempt that takes longer is slow. Default: no attempt is slow. */
  slow?: Duration;
  /** The breaker also opens when this share of the attempts was slow. Default `80%`. */
  slowShare?: string;
  /** How long the breaker is open before one attempt probes the upstream. Doubles with each probe that fails. Default 5 s. */
  cooldown?: Duration;
  /** Longest `cooldown` after doubling, and longest wait that a `Retry-After` can set. Default 1 min. */
  maxCooldown?: Duration;
}

/** {@link BreakerOptions} with their defaults. */
export interface BreakerTerms {
  /** Undefined: the breaker belongs to one sub-task of one task alone. */
  readonly upstream: string | undefined;
  readonly windowMs: number;
  readonly least: number;
  /** From 0 to 1. */
  readonly failures: number;
  /** Infinity: no attempt is slow. */
  readonly slowMs: number;
  readonly slowShare: number;
  readonly cooldownMs: number;
  readonly maxCooldownMs: number;
}

const share = (defaultShare: string) =>
  z
    .string()
    .regex(/^(?:100|[1-9]\d?)%$/, 'takes a share such as 50%, from 1% to 100%')
    .meta({
      description: `Default ${defaultShare}.`,
      examples: [defaultShare],
    });

const optionsSchema = z.strictObject({
  upstream: z
    .string()
    .min(1)
    .max(MOST_NAME)
    .optional()
    .meta({
      description:
        'Which upstream it is of: sub-tasks that name the same one share its breaker. Default: the origin of the URL where that is literal, else, and of a shadow, the sub-task by itself.',
      examples: ['https://eu.example.com'],
    }),
  window: durationSchema
    .refine(isWindow, 'takes more than 0 and at most 5m')
    .optional()
    .meta({ description: 'Over how long attempts are counted, at most 5m. Default 30s.', examples: ['30s'] }),
  least: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'How many attempts of the window it takes at least to open it. Default 10.' }),
  failures: share('50%').optional(),
  slow: durationSchema
    .optional()
    .meta({ description: 'Attempts that take longer are slow. Default: none is.', examples: ['2s'] }),
  slowShare: share('80%').optional(),
  cooldown: durationSchema
    .refine(isSome, 'takes more than 0')
    .optional()
    .meta({
      description:
        'How long it is open before one attempt probes the upstream. Doubles with each probe that fails. Default 5s.',
      examples: ['5s'],
    }),
  maxCooldown: durationSchema
    .refine(isSome, 'takes more than 0')
    .optional()
    .meta({
      description: 'Bound that the doubling stops at, and that a Retry-After has. Default 1m.',
      examples: ['1m'],
    }),
});

/** The option `breaker` of a sub-task in a tasks file. */
export const breakerSchema = z
  .union([z.boolean(), optionsSchema], {
    error: 'takes true for all defaults, false for none, or its options',
  })
  .meta({
    id: 'Breaker',
    description:
      'Leaves an upstream alone that fails, or is slow: while its breaker is open, sub-tasks that would call it fail at once with `circuit-open`, so that the next starts. Default: none.',
    examples: [true, { failures: '50%', slow: '2s' }],
  });

/** The terms of a sub-task's breaker as operators see them. */
export const breakerViewSchema = z
  .object({
    upstream: z.string().meta({ description: 'Sub-tasks with the same share its breaker.' }),
    windowMs: z.number(),
    least: z.int(),
    failures: z.number().meta({ description: 'From 0 to 1.' }),
    slowMs: z.number().nullable().meta({ description: 'null: no attempt is slow.' }),
    slowShare: z.number().meta({ description: 'From 0 to 1.' }),
    cooldownMs: z.number(),
    maxCooldownMs: z.number(),
  })
  .meta({ description: 'When its breaker opens; not there where it has none.' });

export function breakerView(
  terms: BreakerTerms,
  task: string,
  subTask: string,
): z.input<typeof breakerViewSchema> {
  const slowMs = terms.slowMs === Infinity ? null : terms.slowMs;
  return { ...terms, upstream: upstreamOf(terms, task, subTask), slowMs };
}

/** Name of the upstream that a sub-task calls. Sub-tasks with the same upstream share its breaker. */
export function upstreamOf({ upstream }: BreakerTerms, task: string, subTask: string): string {
  return upstream ?? `${task}/${subTask}`;
}

/** Fills in the defaults. @throws {Error} that says which option is wrong */
export function breakerTerms(options: boolean | BreakerOptions | undefined): BreakerTerms | undefined {
  if (options === undefined || options === false) return undefined;
  const { data, error } = optionsSchema.safeParse(options === true ? {} : withTexts(options));
  const [issue] = error?.issues ?? [];
  if (issue) throw new Error(`${issue.path.join('.')} ${issue.message}`.trim());
  const { upstream, window = '30s', least = 10, failures = '50%', slow, slowShare = '80%' } = data ?? {};
  const { cooldown = '5s', maxCooldown = '1m' } = data ?? {};
  const cooldownMs = milliseconds(cooldown);
  return {
    upstream,
    windowMs: milliseconds(window),
    least,
    failures: shareOf(failures),
    slowMs: slow === undefined ? Infinity : milliseconds(slow),
    slowShare: shareOf(slowShare),
    cooldownMs,
    maxCooldownMs: Math.max(cooldownMs, milliseconds(maxCooldown)),
  };
}

/** Turns durations in milliseconds, which code may use, into texts. */
function withTexts(options: BreakerOptions): object {
  const texts = Object.entries(options).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'number' && name !== 'least' ? `${value}ms` : value,
  ]);
  return Object.fromEntries(texts) as object;
}

function shareOf(text: string): number {
  return Number.parseInt(text, 10) / 100;
}

function isWindow(text: string): boolean {
  return isSome(text) && milliseconds(text as Duration) <= MOST_WINDOW_MS;
}

function isSome(text: string): boolean {
  return milliseconds(text as Duration) > 0;
}
