import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { KeepsToOwnRuns, TakesStreamToken } from '../access/needed-scope.decorator.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ApiHeader, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '../http/open-api.js';
import { STREAM_CONTENT, STREAM_MESSAGES } from '../http/stream-description.js';
import { contextOf } from '../http/request-context.js';
import { ValidQuery } from '../http/validated.decorator.js';
import { anyCase } from '../tasks/run-id.pipe.js';
import { RunWatch } from '../tasks/run-watch.js';
import { EventFeed } from './event-feed.js';
import { runStreamQuerySchema, type RunStreamQuery } from './events.schemas.js';
import { lastEventId } from './last-event-id.js';
import { RunStreams } from './run-streams.js';

@ApiTags('Events')
@KeepsToOwnRuns()
@Controller('runs/:id/stream')
export class RunStreamController {
  constructor(
    private readonly streams: RunStreams,
    private readonly feed: EventFeed,
    private readonly runs: RunWatch,
  ) {}

  @Get()
  @TakesStreamToken()
  @ApiOperation({
    operationId: 'streamRun',
    summary: 'Read the stream of a run',
    description:
      'What the caller of `POST /tasks/{name}/runs` with `Accept: text/event-stream` is told, from the beginning, or behind `Last-Event-ID` or `after`; also when another node has the run, or it ended long ago. To a reader that has all the answer is 204, which tells an `EventSource` to stop.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiQuery({
    name: 'after',
    required: false,
    schema: { type: 'integer', minimum: 0, example: 4 },
    description: 'The id that the messages come behind.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    schema: { type: 'integer', minimum: 0, example: 4 },
    description: 'The id of the last message that was received. It goes before `after`.',
  })
  @ApiResponse({ status: 200, description: STREAM_MESSAGES, content: STREAM_CONTENT })
  @ApiResponse({ status: 204, description: 'There is a reply, and the reader has all' })
  @ApiProblems('invalid-request', 'run-unknown', 'overloaded', 'journal-unavailable')
  async stream(
    @Param('id', anyCase) runId: string,
    @ValidQuery(runStreamQuerySchema) { after = 0 }: RunStreamQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const asked = lastEventId(request) ?? after;
    await this.runs.requireSeen(runId, contextOf(request).onlyClient);
    await this.streams.show(runId, await this.feed.known(asked), response);
  }
}
