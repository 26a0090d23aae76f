import { z } from 'zod';
import { campsSchema, failureSchema, missingSchema } from '../core/run.js';

/** How a problem document is described in the OpenAPI document. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'The kind of problem, and the address of a page about it.' }),
    title: z
      .string()
      .meta({ description: 'The kind of problem in words; the same for every problem of a type.' }),
    status: z.int().meta({ description: 'The status code of the response.' }),
    detail: z.string().meta({ description: 'What is particular to this occurrence.' }),
    instance: z.string().meta({
      description:
        'The address that was asked for, without its query; empty where the request could not be read so far.',
    }),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .optional()
            .meta({ description: 'JSON Pointer (RFC 6901) into the body of the request.' }),
          header: z.string().optional().meta({ description: 'The header that is wrong.' }),
          parameter: z.string().optional().meta({ description: 'The query parameter that is wrong.' }),
          detail: z.string().meta({ description: 'What is wrong there.' }),
        }),
      )
      .optional()
      .meta({ description: 'What is wrong with the request: the first 100 things.' }),
    mistakes: z
      .array(
        z.object({
          file: z.string().meta({ description: 'The tasks file.' }),
          line: z.int().optional().meta({ description: 'Counts from 1; absent where it can’t be read.' }),
          column: z.int().optional().meta({ description: 'Counts from 1.' }),
          path: z.string().optional().meta({ description: 'The member that is wrong.' }),
          detail: z.string().meta({ description: 'What is wrong, and the mend.' }),
        }),
      )
      .optional()
      .meta({ description: 'What is wrong with the tasks file.' }),
    runId: z.string().optional().meta({ description: 'The run that the problem is about.' }),
    failures: z
      .array(failureSchema)
      .optional()
      .meta({ description: 'Why the sub-tasks of the run brought no reply.' }),
    missing: missingSchema,
    camps: campsSchema,
  })
  .meta({ id: 'Problem', description: 'An error, as RFC 9457 defines it.' });
