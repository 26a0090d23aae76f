import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { KeepsToOwnRuns, NeedsScope } from '../access/needed-scope.decorator.js';
import { ApiProblems, locationHeader } from '../http/api-problems.decorator.js';
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
    summary: 'Run the demo task',
    description:
      'Starts three sub-tasks that take 1, 5 and 3 seconds, and answers with the first result. The log tells of the others, and so does the run that `Location` names.',
  })
  @ApiOkResponse({ description: 'The first result', standardSchema: resultSchema, headers: locationHeader })
  @ApiProblems('run-failed', 'run-cancelled', 'overloaded', 'journal-unavailable', 'worker-node', 'stopping')
  async run(@Req() request: Request, @Res({ passthrough: true }) response: Response) {
    const run = await this.tasks.start('demo', {}, contextOf(request));
    response.setHeader('Location', `/runs/${run.runId}`);
    const { result } = await this.tasks.reply(run);
    return { result };
  }
}
