import { z } from 'zod';

export const EXAMPLE_UPSTREAM = 'https://eu.example.com';

const time = z.iso.datetime().nullable();

const breakerStateSchema = z.object({
  upstream: z.string().meta({ description: 'The origin that its sub-tasks call, or what they name.' }),
  state: z.enum(['closed', 'open', 'half-open']).meta({
    description: '`half-open`: the next attempt probes it, or one does.',
  }),
  since: time.meta({ description: 'When it opened; null while it is closed.' }),
  until: time.meta({ description: 'When an attempt may probe it; null while it is closed.' }),
  reason: z.string().nullable().meta({ description: 'Why it is open; null while it is closed.' }),
  failedProbes: z.int().meta({ description: 'How many probes in a row have failed.' }),
  attempts: z.int().meta({
    description:
      'How many attempts the node that answers has counted in its `window`, since the breaker closed.',
  }),
  failed: z.int().meta({ description: 'Of those, how many failed.' }),
  slow: z.int().meta({ description: 'Of those, how many were slow.' }),
  subTasks: z
    .array(z.object({ task: z.string(), subTask: z.string() }))
    .meta({ description: 'Whose attempts it lets begin, of the tasks that the node knows.' }),
});

/** The answer of `GET /breakers`. */
export const breakersSchema = z.object({ breakers: z.array(breakerStateSchema) }).meta({
  id: 'Breakers',
  examples: [
    {
      breakers: [
        {
          ...{ upstream: EXAMPLE_UPSTREAM, state: 'open', since: '2026-11-23T11:00:00.000Z' },
          ...{ until: '2026-11-23T11:00:05.000Z', reason: '6 of 11 attempts within 30s failed' },
          ...{ failedProbes: 0, attempts: 0, failed: 0, slow: 0 },
          subTasks: [{ task: 'weather', subTask: 'eu' }],
        },
      ],
    },
  ],
});
