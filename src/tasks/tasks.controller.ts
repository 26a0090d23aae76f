import { Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '../http/open-api.js';
import type { Request, Response } from 'express';
import { KeepsToOwnRuns, NeedsAnyKey } from '../access/needed-scope.decorator.js';
import { CONFIG, type Config } from '../config/config.js';
import { ApiProblems, locationHeader } from '../http/api-problems.decorator.js';
import { answerHeaders, requestHeaders, waitQuery } from '../http/headers.js';
import { idempotencyKey } from '../http/idempotency-key.js';
import { linkTo } from '../http/links.js';
import { prefersStream } from '../http/negotiation.js';
import { applyWait, preferences } from '../http/prefer.js';
import { STREAM_CONTENT, STREAM_MESSAGES } from '../http/stream-description.js';
import { viewFor } from './run-view.js';
import { RUN_PROBLEMS } from './run-problems.js';
import { runSchema } from './runs.schemas.js';
import { RunWatch } from './run-watch.js';
import { contextOf } from '../http/request-context.js';
import { TaskRegistry } from './task-registry.js';
import { runRequestSchema, taskListSchema, taskSchema, type RunRequest } from './tasks.schemas.js';
import { sayShared } from '../http/say-shared.js';
import { StreamedAnswers } from './streamed-answers.js';
import { taskView } from './task-view.js';
import { TasksService } from './tasks.service.js';
import { ValidBody } from '../http/validated.decorator.js';

/** `Retry-After` of an answer without a reply, in seconds. */
const RETRY_AFTER_S = 1;

const runHeaders = {
  ...locationHeader,
  ...answerHeaders.preferenceApplied,
  ...answerHeaders.replayed,
  ...answerHeaders.shared,
};

@Controller('tasks')
export class TasksController {
  private readonly maxWaitMs: number;

  constructor(
    private readonly registry: TaskRegistry,
    private readonly tasks: TasksService,
    private readonly runs: RunWatch,
    private readonly streams: StreamedAnswers,
    @Inject(CONFIG) config: Config,
  ) {
    this.maxWaitMs = config.MAX_WAIT;
  }

  @Get()
  @NeedsAnyKey()
  @ApiTags('Tasks')
  @ApiOperation({
    operationId: 'listTasks',
    summary: 'List the tasks',
    description: 'Every task of the service.',
  })
  @ApiOkResponse({ description: 'The tasks', standardSchema: taskListSchema })
  list() {
    return { tasks: this.registry.all().map(taskView) };
  }

  @Get(':name')
  @NeedsAnyKey()
  @ApiTags('Tasks')
  @ApiOperation({
    operationId: 'getTask',
    summary: 'Show a task',
    description: 'Its sub-tasks, its default policies and its input’s JSON Schema.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiOkResponse({ description: 'The task', standardSchema: taskSchema })
  @ApiProblems('task-unknown')
  show(@Param('name') name: string) {
    return taskView(this.registry.get(name));
  }

  @Post(':name/runs')
  @KeepsToOwnRuns()
  @HttpCode(200)
  @ApiTags('Runs')
  @ApiOperation({
    operationId: 'createRun',
    summary: 'Run a task',
    description:
      'Starts all sub-tasks of the task at once and answers as soon as the reply policy is met. The others go on in the background; `links.run` shows them. When the reply takes longer than the caller prefers to wait, or than `MAX_WAIT`, the answer is 202 with the run, which goes on. Where the task coalesces, equal requests get the same run; where it reuses, the last good run may answer. Requests with an `Idempotency-Key` share none of that. With `Accept: text/event-stream` the answer is a stream: chunks of the sub-task whose stream wins, as they come, and then the reply.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiHeader(requestHeaders.prefer)
  @ApiHeader(requestHeaders.idempotencyKey)
  @ApiQuery(waitQuery)
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
        summary: 'Wait for two successes, under a label',
        value: {
          labels: { tenant: 'acme' },
          reply: { policy: 'quorum', quorum: 2 },
          losers: { policy: 'cancel-after', after: '2s' },
        },
      },
      webhook: {
        summary: 'Have its reply and its end sent to you',
        value: { webhooks: [{ url: 'https://hooks.example.com/frontrunner' }] },
      },
      deadline: {
        summary: 'Take what two seconds bring, one success at least, and end the run after ten',
        value: { reply: { policy: 'deadline', deadline: '2s', min: 1 }, deadline: '10s' },
      },
    },
  })
  @ApiOkResponse({
    description: `The reply; with \`Accept: text/event-stream\` the stream of the run, which begins when the run is recorded, whatever \`Prefer\` and \`MAX_WAIT\` say.\n\n${STREAM_MESSAGES}`,
    content: {
      'application/json': { schema: { $ref: '#/components/schemas/Answer' } },
      ...STREAM_CONTENT,
    },
    headers: runHeaders,
  })
  @ApiAcceptedResponse({
    description: 'The run was accepted and goes on; there is no reply yet',
    standardSchema: runSchema,
    headers: { ...runHeaders, ...answerHeaders.retryAfter },
  })
  @ApiProblems(...RUN_PROBLEMS)
  async run(
    @Param('name') name: string,
    @ValidBody(runRequestSchema) body: RunRequest,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    const preferred = preferences(request);
    const stream = prefersStream(request) ? this.streams.open(request, response) : undefined;
    const { headers } = request;
    const run = await this.tasks.start(name, body, contextOf(request), idempotencyKey(request), headers);
    const { runId } = run;
    response.setHeader('Location', linkTo(request, `/runs/${runId}`));
    if (run.replayed) response.setHeader('Idempotency-Replayed', 'true');
    sayShared(response, run);
    if (stream) {
      await stream.begin(run);
      return undefined;
    }
    const { maxWaitMs } = this;
    const waitMs = applyWait(preferred, response, {
      otherwiseMs: maxWaitMs,
      mostMs: maxWaitMs,
    });
    const answer = await this.tasks.reply(run, waitMs);
    if (!answer) {
      response.status(202).setHeader('Retry-After', RETRY_AFTER_S);
      return viewFor(contextOf(request).onlyClient, await this.runs.get(runId));
    }
    sayShared(response, run, answer);
    const answering = linkTo(request, `/runs/${answer.runId}`);
    response.setHeader('Location', answering);
    const { coalesced } = run;
    return {
      id: answer.runId,
      ...answer,
      ...(coalesced && !answer.reused && { coalesced }),
      links: { run: answering, task: linkTo(request, `/tasks/${name}`) },
    };
  }
}
