import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { KeepsToOwnRuns, NeedsScope } from '../access/needed-scope.decorator.js';
import { ApiProblems, locationHeader } from '../http/api-problems.decorator.js';
import { answerHeaders, requestHeaders } from '../http/headers.js';
import { idempotencyKey } from '../http/idempotency-key.js';
import { linkTo } from '../http/links.js';
import { contextOf } from '../http/request-context.js';
import { TasksService } from '../tasks/tasks.service.js';

const resultSchema = z
  .object({ result: z.string() })
  .meta({ id: 'DemoResult', examples: [{ result: 'First result' }] });

@ApiTags('Runs')
@Controller('run-tasks')
export class DemoController {
  constructor(private readonly tasks: TasksService) {}

  @Get()
  @NeedsScope('runs:write')
  @KeepsToOwnRuns()
  @ApiOperation({
    operationId: 'runDemo',
    summary: 'Run the demo task',
    description:
      'Starts three sub-tasks that take 1, 5 and 3 seconds, and answers with the first result. The log tells of the others, and so does the run that `Location` names.',
  })
  @ApiHeader(requestHeaders.idempotencyKey)
  @ApiOkResponse({
    description: 'The first result',
    standardSchema: resultSchema,
    headers: { ...locationHeader, ...answerHeaders.replayed },
  })
  @ApiProblems(
    'invalid-request',
    'idempotency-key-reused',
    'run-failed',
    'run-cancelled',
    'overloaded',
    'journal-unavailable',
    'worker-node',
    'stopping',
  )
  async run(@Req() request: Request, @Res({ passthrough: true }) response: Response) {
    const run = await this.tasks.start('demo', {}, contextOf(request), idempotencyKey(request));
    response.setHeader('Location', linkTo(request, `/runs/${run.runId}`));
    if (run.replayed) response.setHeader('Idempotency-Replayed', 'true');
    const { result } = await this.tasks.reply(run);
    return { result };
  }
}
