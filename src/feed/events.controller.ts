import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '../http/open-api.js';
import type { Request, Response } from 'express';
import { KeepsToOwnRuns, TakesStreamToken } from '../access/needed-scope.decorator.js';
import { EVENT_TYPES } from '../core/event-types.js';
import { labelFilterParameter } from '../core/labels.schema.js';
import { eventView } from '../core/events.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ConnectionMemory } from '../http/connection-memory.js';
import { prefersStream } from '../http/negotiation.js';
import { contextOf } from '../http/request-context.js';
import { sendJson } from '../http/send-json.js';
import { Journal } from '../run/journal.js';
import type { EventPage } from '../run/journal-pages.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { anyCase } from '../tasks/run-id.pipe.js';
import { RunWatch } from '../tasks/run-watch.js';
import { ApiEvents } from './api-events.decorator.js';
import { EventFeed } from './event-feed.js';
import { EventStream, PAGE_EVENTS } from './event-stream.js';
import { lastEventId } from './last-event-id.js';
import {
  eventsQuerySchema,
  runEventsQuerySchema,
  type EventsQuery,
  type RunEventsQuery,
} from './events.schemas.js';
import { ValidQuery } from '../http/validated.decorator.js';

@ApiTags('Events')
@KeepsToOwnRuns()
@Controller()
export class EventsController {
  constructor(
    private readonly journal: Journal,
    private readonly feed: EventFeed,
    private readonly memory: ConnectionMemory,
    private readonly runs: RunWatch,
  ) {}

  @Get('events')
  @TakesStreamToken()
  @ApiOperation({
    operationId: 'watchRuns',
    summary: 'Watch all runs',
    description:
      'The events of all runs, in the order in which they were recorded. As a stream: those from now on, or behind `Last-Event-ID` or `after`.',
  })
  @ApiEvents()
  @ApiQuery({
    name: 'task',
    required: false,
    schema: { type: 'string', example: 'demo' },
    description: 'Only events of runs of this task.',
  })
  @ApiQuery({
    ...labelFilterParameter,
    description:
      'Only events of runs with this label: its name, a colon and its value. Given several times, of runs with all of them.',
  })
  @ApiQuery({
    name: 'type',
    required: false,
    schema: {
      type: 'array',
      items: { type: 'string', enum: [...EVENT_TYPES] },
      example: ['run.started', 'run.finished'],
    },
    description: 'Only events of these types: with commas, or as several parameters.',
  })
  @ApiProblems('invalid-request', 'overloaded', 'journal-unavailable')
  async ofAll(
    @ValidQuery(eventsQuerySchema) { after, limit, task, label: labels, type: types }: EventsQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const filter = { task, types, labels, client: contextOf(request).onlyClient };
    if (wantsStream(request, response)) {
      const asked = lastEventId(request) ?? after;
      const cursor = await this.feed.known(asked ?? this.journal.lastEventId);
      new EventStream(response, filter, cursor, this.feed, asked).begin();
      return;
    }
    this.sendPage(
      response,
      await this.journal.events({ ...filter, after: await this.feed.known(after ?? 0), limit }),
    );
  }

  @Get('runs/:id/events')
  @TakesStreamToken()
  @ApiOperation({
    operationId: 'watchRun',
    summary: 'Watch a run',
    description:
      'The events of one run, from its beginning, or behind `Last-Event-ID` or `after`. A stream of them ends when the run has finished; to a reader that has all of a finished run the answer is 204, which tells an `EventSource` to stop.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiEvents()
  @ApiResponse({ status: 204, description: 'The run has finished, and the reader has all its events' })
  @ApiProblems('invalid-request', 'run-unknown', 'overloaded', 'journal-unavailable')
  async ofRun(
    @Param('id', anyCase) runId: string,
    @ValidQuery(runEventsQuerySchema) { after = 0, limit }: RunEventsQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.runs.requireSeen(runId, contextOf(request).onlyClient);
    if (wantsStream(request, response)) {
      await this.stream(runId, lastEventId(request) ?? after, response);
      return;
    }
    this.sendPage(
      response,
      await this.journal.events(this.feed.queryOf({ runId, after: await this.feed.known(after), limit })),
    );
  }

  private async stream(runId: string, asked: number, response: Response): Promise<void> {
    const after = await this.feed.known(asked);
    // The stream hears of new events before the log is read, so that none is lost between the two.
    const stream = new EventStream(response, { runId }, after, this.feed, asked);
    const finished =
      after > 0 && !this.feed.isLive(runId) && (await this.journal.run(runId))?.status !== 'running';
    const page = await this.journal.events(this.feed.queryOf({ runId, after, limit: PAGE_EVENTS }));
    if (finished && page.events.length === 0) response.status(204).end();
    else stream.begin(page);
  }

  private sendPage(response: Response, { events, next }: EventPage): void {
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    sendJson(response, JSON.stringify({ events: events.map(eventView), next }), this.memory);
  }
}

function wantsStream(request: Request, response: Response): boolean {
  response.vary('Accept');
  return prefersStream(request);
}
