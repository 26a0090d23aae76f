import { z } from 'zod';
import { failureSchema } from '../tasks/tasks.schemas.js';

/** How a problem document is described in the OpenAPI document. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'The kind of problem, and the path of a page about it.' }),
    title: z
      .string()
      .meta({ description: 'The kind of problem in words; the same for every problem of a type.' }),
    status: z.int().meta({ description: 'The status code of the response.' }),
    detail: z.string().meta({ description: 'What is particular to this occurrence.' }),
    instance: z.string().meta({ description: 'The path that was asked for.' }),
    errors: z
      .array(
        z.object({
          pointer: z.string().meta({ description: 'JSON Pointer (RFC 6901) into the body of the request.' }),
          detail: z.string().meta({ description: 'What is wrong there.' }),
        }),
      )
      .optional()
      .meta({ description: 'What is wrong with the input.' }),
    runId: z.string().optional().meta({ description: 'The run that failed.' }),
    failures: z
      .array(failureSchema)
      .optional()
      .meta({ description: 'Why the sub-tasks of the run brought no reply.' }),
  })
  .meta({ id: 'Problem', description: 'An error, as RFC 9457 defines it.' });
