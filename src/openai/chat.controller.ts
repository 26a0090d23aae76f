import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { KeepsToOwnRuns, NeedsAnyKey } from '../access/needed-scope.decorator.js';
import { DomainError } from '../core/domain-error.js';
import type { JsonValue } from '../core/json.js';
import { RunStreams } from '../feed/run-streams.js';
import { ApiProblems, locationHeader } from '../http/api-problems.decorator.js';
import { answerHeaders, requestHeaders } from '../http/headers.js';
import { idempotencyKey } from '../http/idempotency-key.js';
import { linkTo } from '../http/links.js';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '../http/open-api.js';
import { contextOf } from '../http/request-context.js';
import { ValidBody } from '../http/validated.decorator.js';
import { RUN_PROBLEMS } from '../tasks/run-problems.js';
import { RunWatch } from '../tasks/run-watch.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import type { Answer, StartedRun } from '../tasks/started-run.js';
import { sayShared } from '../http/say-shared.js';
import { TasksService } from '../tasks/tasks.service.js';
import { aboutAnswer, chatCompletion } from './chat-answer.js';
import { ChatVoice } from './chat-voice.js';
import { chatRequestSchema, type ChatRequest } from './chat-request.js';
import { chatContent, modelListSchema } from './chat.schemas.js';

/** Serves the tasks that say `face: openai-chat` to clients of OpenAI’s chat completions. */
@ApiTags('OpenAI')
@Controller('openai/:task/v1')
export class ChatController {
  constructor(
    private readonly registry: TaskRegistry,
    private readonly tasks: TasksService,
    private readonly runs: RunWatch,
    private readonly streams: RunStreams,
  ) {}

  @Get('models')
  @NeedsAnyKey()
  @ApiOperation({
    operationId: 'listModels',
    summary: 'List the one model of a task',
    description: 'For clients that ask which models there are: the task is the one. Requests may name any.',
  })
  @ApiParam({ name: 'task', example: 'chat' })
  @ApiOkResponse({ description: 'The task, as a model', standardSchema: modelListSchema })
  @ApiProblems('task-unknown', 'not-found')
  models(@Param('task') task: string) {
    this.requireServed(task);
    return { object: 'list', data: [{ id: task, object: 'model', created: 0, owned_by: 'frontrunner' }] };
  }

  @Post('chat/completions')
  @HttpCode(200)
  @KeepsToOwnRuns()
  @ApiOperation({
    operationId: 'createChatCompletion',
    summary: 'Run a task as a chat completion of OpenAI',
    description:
      'For clients of OpenAI, whose base URL is `/openai/<task>/v1`; there for tasks that say `face: openai-chat`. The whole body is the input of the run. `MAX_WAIT` does not bound it. With `stream: true` the answer is a stream of `chat.completion.chunk`s, which `data: [DONE]` ends; an error behind the first of them is a frame `data: {"error": …}`, and the stream ends without `[DONE]`. What can’t be read as HTTP is refused before its path is known, with a problem document.',
  })
  @ApiParam({ name: 'task', example: 'chat' })
  @ApiHeader(requestHeaders.idempotencyKey)
  @ApiOkResponse({
    description: 'The answer, or a stream of it',
    content: chatContent,
    headers: { ...locationHeader, ...answerHeaders.replayed, ...answerHeaders.shared },
  })
  @ApiProblems(...RUN_PROBLEMS, 'not-found')
  async complete(
    @Param('task') task: string,
    @ValidBody(chatRequestSchema) { model = task, stream, stream_options: options }: ChatRequest,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object | undefined> {
    this.requireServed(task);
    const input = request.body as JsonValue;
    const { headers } = request;
    const key = idempotencyKey(request);
    const streamed = stream ? this.streams.open(request, response) : undefined;
    const run = await this.tasks.start(task, { input }, contextOf(request), key, headers);
    const locate = (runId: string) => response.setHeader('Location', linkTo(request, `/runs/${runId}`));
    locate(run.runId);
    if (run.replayed) response.setHeader('Idempotency-Replayed', 'true');
    sayShared(response, run);
    const answered = (answer: Answer): void => {
      sayShared(response, run, answer);
      locate(answer.runId);
    };
    if (!streamed) {
      const answer = await this.tasks.reply(run);
      answered(answer);
      return chatCompletion(aboutAnswer(answer.runId, model), answer.result, await this.tokensOf(answer));
    }
    const begin = async (shown: StartedRun): Promise<void> => {
      const { runId, replayed, coalesced, reused } = shown;
      const voice = new ChatVoice(aboutAnswer(runId, model), {
        includeUsage: options?.include_usage ?? false,
        tokensOf: (answer) => this.tokensOf(answer),
        past: replayed || coalesced || reused ? await this.runs.get(runId) : undefined,
      });
      await streamed.begin(shown, voice);
    };
    await begin(run).catch(async (failure: unknown) => {
      const reused = await this.tasks.pastReply(run, failure);
      answered(reused);
      await begin({ runId: reused.runId, task, replayed: false, reused });
    });
    return undefined;
  }

  /** The tokens that the answering sub-task has counted; undefined where it counts none. */
  private async tokensOf({ runId, task, answeredBy }: Answer): Promise<number | undefined> {
    if (!this.registry.find(task)?.subTasks.some(({ name, stream }) => name === answeredBy && stream))
      return undefined;
    const { subTasks } = await this.runs.get(runId);
    return subTasks.find(({ name }) => name === answeredBy)?.stream?.tokens;
  }

  /** @throws {DomainError} `task-unknown`; `not-found` for a task without this face */
  private requireServed(task: string): void {
    if (this.registry.get(task).face === 'openai-chat') return;
    const message = `The task ${task} is not served to clients of OpenAI; its declaration would say face: openai-chat`;
    throw new DomainError('not-found', message);
  }
}
