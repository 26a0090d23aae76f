import { Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import { z } from 'zod';
import { NeedsScope } from '../access/needed-scope.decorator.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { FileTasks, type Reloaded } from './file-tasks.js';

const reloadedSchema = z
  .object({
    tasks: z.array(z.string()).meta({ description: 'The tasks of the file.' }),
    added: z.array(z.string()).meta({ description: 'Those that were not there before.' }),
    removed: z.array(z.string()).meta({ description: 'Those that are there no more.' }),
  })
  .meta({
    id: 'ReloadedTasks',
    examples: [{ tasks: ['weather', 'prices'], added: ['prices'], removed: ['rates'] }],
  });

@NeedsScope('admin')
@ApiTags('Admin')
@Controller('tasks-file')
export class TasksFileController {
  constructor(private readonly fileTasks: FileTasks) {}

  @Post('reload')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'reloadTasksFile',
    summary: 'Read the tasks file again',
    description:
      'Checks `TASKS_FILE` first, then switches this node to its tasks for the runs that are accepted from now on. A mistake changes nothing. Runs that are under way keep the declaration of their task.',
  })
  @ApiOkResponse({ description: 'The tasks are those of the file', standardSchema: reloadedSchema })
  @ApiProblems('malformed-json', 'tasks-file-needed', 'tasks-file-wrong')
  reload(): Reloaded {
    return this.fileTasks.reload();
  }
}
