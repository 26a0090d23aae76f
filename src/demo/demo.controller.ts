import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { ApiProblems, locationHeader } from '../http/api-problems.decorator.js';
import { TasksService } from '../tasks/tasks.service.js';

const resultSchema = z
  .object({ result: z.string() })
  .meta({ id: 'DemoResult', examples: [{ result: 'First result' }] });

@ApiTags('Runs')
@Controller('run-tasks')
export class DemoController {
  constructor(private readonly tasks: TasksService) {}

  @Get()
  @ApiOperation({
    summary: 'Run the demo task',
    description:
      'Starts three sub-tasks that take 1, 5 and 3 seconds, and answers with the first result. The log tells of the others, and so does the run that `Location` names.',
  })
  @ApiOkResponse({ description: 'The first result', standardSchema: resultSchema, headers: locationHeader })
  @ApiProblems('run-failed', 'run-cancelled', 'overloaded', 'journal-unavailable', 'stopping')
  async run(@Res({ passthrough: true }) response: Response) {
    const { runId, result } = await this.tasks.start('demo');
    response.setHeader('Location', `/runs/${runId}`);
    return { result };
  }
}
