import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import { NeedsAnyKey } from '../access/needed-scope.decorator.js';
import { CACHE_AN_HOUR } from '../http/common-headers.js';

const MEDIA_TYPE = 'application/schema+json';

@NeedsAnyKey()
@ApiTags('Tasks')
@Controller('tasks.schema.json')
export class TasksSchemaController {
  private schema: object | undefined;

  @Get()
  @Header('Content-Type', MEDIA_TYPE)
  @Header('Cache-Control', CACHE_AN_HOUR)
  @ApiOperation({
    operationId: 'getTasksSchema',
    summary: 'Describe the file of tasks',
    description: 'The JSON Schema (draft 7) of `TASKS_FILE`, by which editors complete and check it.',
  })
  @ApiOkResponse({
    description: 'The schema',
    content: {
      [MEDIA_TYPE]: {
        schema: { type: 'object' },
        example: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
      },
    },
  })
  async show(): Promise<object> {
    if (this.schema) return this.schema;
    const { tasksJsonSchema } = await import('./tasks-file.schema.js');
    return (this.schema = tasksJsonSchema());
  }
}
