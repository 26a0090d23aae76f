import type { OpenAPIObject } from '@nestjs/swagger';
import { isOpenAiPath } from '../openai/openai-error.js';
import type { OperationObject } from './common-contract.js';
import { problemsOf } from './fold-problems.js';

/** Describes the problems of operations for clients of OpenAI as those are told of them. */
export function describeOpenAiErrors({ paths }: OpenAPIObject): void {
  const ofOpenAi = Object.entries(paths).filter(([path]) => isOpenAiPath(path));
  for (const { responses } of ofOpenAi.flatMap(([, path]) => Object.values(path) as OperationObject[]))
    for (const response of Object.values(responses))
      if (response && problemsOf(response).length > 0)
        Object.assign(response, {
          content: { 'application/json': { schema: { $ref: '#/components/schemas/OpenAiError' } } },
        });
}
