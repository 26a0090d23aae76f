import { z } from 'zod';
import { durationSchema, milliseconds } from './duration.js';
import { KeyTemplate, keyTemplateSchema } from './key-template.js';

const DEFAULT_KEY = '{input}';

/** Says which requests for a task are equal. Equal requests get the same run. */
export const coalesceSchema = z
  .strictObject({
    key: keyTemplateSchema
      .meta({
        description:
          'What equal requests have in common, of what the caller sent: `{input.city}`, `{labels.tenant}` or several. A request without one of them has a run of its own. Default `{input}`: the whole input.',
        examples: ['{input.city}'],
      })
      .optional(),
    for: durationSchema
      .meta({
        description:
          'How long after the start of a run equal requests get it although it has its reply. Default 0s: as long as it has none.',
        examples: ['200ms'],
      })
      .optional(),
    shared: z
      .boolean()
      .meta({
        description:
          'Whether requests of different clients are equal: what one is told, the others are then told too. Default false.',
      })
      .optional(),
  })
  .meta({
    id: 'Coalesce',
    description:
      'Equal requests get the same run as long as it has no reply. Default: each request has a run of its own.',
    examples: [{ key: '{input.city}', for: '200ms' }],
  });

/** How long the last good run of a key answers equal requests. */
export const reuseSchema = z
  .strictObject({
    for: durationSchema
      .refine((text) => Number.parseFloat(text) !== 0, 'takes more than 0: leave reuse out')
      .meta({
        description:
          'How long after its reply a run answers equal requests. One in the second half of it starts the next run in the background.',
        examples: ['30s'],
      }),
    staleIfError: durationSchema
      .meta({
        description:
          'How old a reply may be that answers where a new run fails, or can’t be started for want of room (RFC 5861). Default: none does.',
        examples: ['1h'],
      })
      .optional(),
  })
  .refine(
    ({ for: fresh, staleIfError }) =>
      staleIfError === undefined || milliseconds(staleIfError) > milliseconds(fresh),
    {
      path: ['staleIfError'],
      message: 'takes more than `for`: until then the reply answers anyway',
      when: ({ issues }) => issues.length === 0,
    },
  )
  .meta({
    id: 'Reuse',
    description:
      'Equal requests, as `coalesce` has them, are answered from the last run that had a good reply. Default: none is.',
    examples: [{ for: '30s', staleIfError: '1h' }],
  });

export interface CoalesceOptions {
  /** What equal requests have in common, such as `{input.city}`. Default `{input}`. */
  readonly key?: string | undefined;
  /** How long after its start a run is shared with equal requests although it has its reply. Default `0s`. */
  readonly for?: string | undefined;
  /** Whether requests of different clients are equal. Default false. */
  readonly shared?: boolean | undefined;
}

export interface ReuseOptions {
  /** How long after its reply a run answers equal requests. */
  readonly for: string;
  /** How old a reply may be to answer in place of a new run that fails. Default: no reply does. */
  readonly staleIfError?: string | undefined;
}

/** How requests for a task share runs: its options with their defaults. */
export interface Coalescing {
  readonly key: KeyTemplate;
  /** How long a run is shared, counted from its start. */
  readonly forMs: number;
  readonly shared: boolean;
  /** Undefined where past runs answer no requests. */
  readonly reuse: Reuse | undefined;
}

export interface Reuse {
  /** How long a reply answers equal requests, counted from the reply. */
  readonly forMs: number;
  /** How long a reply may replace a failure, counted from the reply. 0: never. */
  readonly staleIfErrorMs: number;
}

/** Reads options that fit their schemas. Undefined where each request has a run of its own. */
export function coalescingOf(
  coalesce: z.infer<typeof coalesceSchema> | undefined,
  reuse: z.infer<typeof reuseSchema> | undefined,
): Coalescing | undefined {
  if (!coalesce && !reuse) return undefined;
  const { key = DEFAULT_KEY, for: after = '0s', shared = false } = coalesce ?? {};
  return {
    key: KeyTemplate.parse(key),
    forMs: milliseconds(after),
    shared,
    reuse: reuse && {
      forMs: milliseconds(reuse.for),
      staleIfErrorMs: milliseconds(reuse.staleIfError ?? '0s'),
    },
  };
}

export const coalescingViewSchemas = {
  coalesce: z
    .object({
      key: z.string().meta({ description: 'What equal requests have in common.' }),
      forMs: z.number().meta({
        description: 'How long after its start a run with a reply is shared, in milliseconds.',
      }),
      shared: z.boolean().meta({ description: 'Whether clients share runs.' }),
    })
    .exactOptional()
    .meta({
      description: 'Which requests get the same run; left out where each has its own.',
      examples: [{ key: '{input}', forMs: 200, shared: false }],
    }),
  reuse: z
    .object({
      forMs: z.number().meta({ description: 'How long a reply answers equal requests, in milliseconds.' }),
      staleIfErrorMs: z.number().meta({
        description: 'How old a reply may be that answers a failure, in milliseconds; 0: none does.',
      }),
    })
    .exactOptional()
    .meta({
      description: 'How long its last good run answers equal requests; left out where none does.',
      examples: [{ forMs: 30_000, staleIfErrorMs: 3_600_000 }],
    }),
};

/** The terms as callers see them. */
export function coalescingView({ key, forMs, shared, reuse }: Coalescing) {
  return { coalesce: { key: key.text, forMs, shared }, ...(reuse && { reuse }) };
}
