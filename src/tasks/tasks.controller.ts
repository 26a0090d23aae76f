import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { ApiProblems, locationHeader } from '../http/api-problems.decorator.js';
import { TaskRegistry } from './task-registry.js';
import type { TaskDefinition } from './task.js';
import {
  answerSchema,
  runRequestSchema,
  taskListSchema,
  taskSchema,
  type RunRequest,
} from './tasks.schemas.js';
import { TasksService } from './tasks.service.js';

@Controller('tasks')
export class TasksController {
  constructor(
    private readonly registry: TaskRegistry,
    private readonly tasks: TasksService,
  ) {}

  @Get()
  @ApiTags('Tasks')
  @ApiOperation({ summary: 'List the tasks', description: 'Every task of the service.' })
  @ApiOkResponse({ description: 'The tasks', standardSchema: taskListSchema })
  list() {
    return { tasks: this.registry.all().map(view) };
  }

  @Get(':name')
  @ApiTags('Tasks')
  @ApiOperation({
    summary: 'Show a task',
    description: 'Its sub-tasks, its default policies and its input’s JSON Schema.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiOkResponse({ description: 'The task', standardSchema: taskSchema })
  @ApiProblems('bad-request', 'task-unknown')
  show(@Param('name') name: string) {
    return view(this.registry.get(name));
  }

  @Post(':name/runs')
  @HttpCode(200)
  @ApiTags('Runs')
  @ApiOperation({
    summary: 'Run a task',
    description:
      'Starts all sub-tasks of the task at once and answers as soon as the reply policy is met. The others go on in the background; `links.run` shows them.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiBody({
    schema: { $ref: '#/components/schemas/RunRequest' },
    required: false,
    examples: {
      defaults: { summary: 'As the task decides', value: {} },
      primary: {
        summary: 'Wait for one sub-task, cancel the rest',
        value: { input: null, reply: { policy: 'primary', primary: 'third' }, losers: 'cancel' },
      },
      quorum: {
        summary: 'Wait for two successes',
        value: { reply: { policy: 'quorum', quorum: 2 }, losers: { policy: 'cancel-after', after: '2s' } },
      },
    },
  })
  @ApiOkResponse({ description: 'The reply', standardSchema: answerSchema, headers: locationHeader })
  @ApiProblems(
    'bad-request',
    'malformed-json',
    'invalid-request',
    'task-unknown',
    'payload-too-large',
    'unsupported-media-type',
    'run-failed',
    'run-cancelled',
    'overloaded',
    'journal-unavailable',
    'stopping',
  )
  async run(
    @Param('name') name: string,
    @Body({ schema: runRequestSchema }) request: RunRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const answer = await this.tasks.start(name, request);
    response.setHeader('Location', `/runs/${answer.runId}`);
    return { ...answer, links: { run: `/runs/${answer.runId}`, task: `/tasks/${name}` } };
  }
}

function view({ name, subTasks, reply, losers, input }: TaskDefinition) {
  return {
    name,
    subTasks: subTasks.map(({ name, timeoutMs, retry: { attempts, delayMs, maxDelayMs }, concurrency }) => ({
      name,
      timeoutMs,
      retry: { attempts, delayMs, maxDelayMs },
      concurrency: concurrency === Infinity ? null : concurrency,
    })),
    reply,
    losers,
    input: input ? z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) : {},
  };
}
