import { z } from 'zod';
import { SCOPES } from './scope.js';

/** The body of `POST /session`. */
export const signInSchema = z
  .strictObject({
    key: z.string().meta({ description: 'An API key.' }),
    next: z.string().optional().meta({
      description: 'Of a form: the path that the browser is led to. Any other address counts for `/`.',
    }),
  })
  .meta({ id: 'SignIn', examples: [{ key: 'fr_uo6kH-gL1XPBexample' }] });

export type SignIn = z.infer<typeof signInSchema>;

/** The answer of `GET /session` and `POST /session`. */
export const sessionSchema = z
  .object({
    keyNeeded: z.boolean().meta({ description: 'Whether callers need an API key at all.' }),
    client: z
      .string()
      .nullable()
      .meta({ description: 'Who is signed in, or whose key the request came with; null for nobody.' }),
    scopes: z.array(z.enum(SCOPES)).meta({ description: 'What that key allows.' }),
    until: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When the session ends; null for a caller without a session.' }),
  })
  .meta({
    id: 'Session',
    examples: [
      {
        keyNeeded: true,
        client: 'ada',
        scopes: ['runs:write', 'runs:read'],
        until: '2026-11-24T00:00:00.000Z',
      },
    ],
  });
