import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '../http/open-api.js';
import { cursorOf } from '../http/paging.js';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { KeepsToOwnRuns } from '../access/needed-scope.decorator.js';
import { CONFIG, type Config } from '../config/config.js';
import { ApiProblems, locationHeader } from '../http/api-problems.decorator.js';
import { answerHeaders, requestHeaders, waitQuery } from '../http/headers.js';
import { idempotencyKey } from '../http/idempotency-key.js';
import { linkHeader, nextLink } from '../http/next-link.js';
import { linkTo } from '../http/links.js';
import { hasTag } from '../http/preconditions.js';
import { applyWait, preferences } from '../http/prefer.js';
import { contextOf } from '../http/request-context.js';
import { Journal } from '../run/journal.js';
import { isFinished } from '../tasks/finished-run.js';
import { RunControl } from '../tasks/run-control.js';
import { anyCase } from '../tasks/run-id.pipe.js';
import { RunWatch } from '../tasks/run-watch.js';
import { labelFilterParameter } from '../core/labels.schema.js';
import type { RunRecord } from '../core/run-record.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { runPageSchema, runQuerySchema } from './history.schemas.js';
import { listedRuns } from './listed-runs.js';
import { commanded, expectedBy, tagOf } from './run-answers.js';
import { runView } from '../tasks/run-view.js';
import { runSchema } from '../tasks/runs.schemas.js';
import { ValidQuery } from '../http/validated.decorator.js';

const TO_PAGE =
  'A browser (`Accept: text/html`, before JSON) is led to the page about the run, or first to where it can sign in.';

const showHeaders = { ...answerHeaders.vary, ...answerHeaders.etag, ...answerHeaders.preferenceApplied };

@ApiTags('Runs')
@KeepsToOwnRuns()
@Controller('runs')
export class RunsController {
  private readonly maxWaitMs: number;

  constructor(
    private readonly runs: RunWatch,
    private readonly control: RunControl,
    private readonly journal: Journal,
    @Inject(CONFIG) config: Config,
  ) {
    this.maxWaitMs = config.MAX_WAIT;
  }

  @Get()
  @ApiOperation({
    operationId: 'listRuns',
    summary: 'List runs',
    description:
      'The history, the newest run first. Follow `Link: rel="next"`, or give `next` as the `cursor`, to page on: that neither skips nor repeats a run, however many are added meanwhile.',
  })
  @ApiQuery(labelFilterParameter)
  @ApiOkResponse({ description: 'A page of runs', standardSchema: runPageSchema, headers: linkHeader })
  @ApiProblems('invalid-request', 'journal-unavailable')
  async list(
    @ValidQuery(runQuerySchema) query: z.infer<typeof runQuerySchema>,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { status: statuses, label: labels, cursor: olderThan, ...rest } = query;
    const client = contextOf(request).onlyClient;
    const { runs, next } = await this.journal.runs({ ...rest, client, labels, statuses, olderThan });
    const cursor = next ? cursorOf(next.createdAt, next.number) : null;
    const link = linkTo(request, '/runs');
    if (cursor !== null) response.setHeader('Link', nextLink(link, request.originalUrl, cursor));
    return { runs: await listedRuns(runs, this.runs, link), next: cursor };
  }

  @Get(':id')
  @ApiOperation({
    operationId: 'getRun',
    summary: 'Show a run',
    description:
      'The run and its sub-tasks, while it is going on and afterwards. With `Prefer: wait=N` the answer is held until the run is finished, with `If-None-Match` besides until it has changed, for at most N seconds.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiHeader(requestHeaders.prefer)
  @ApiHeader(requestHeaders.ifNoneMatch)
  @ApiQuery(waitQuery)
  @ApiOkResponse({ description: 'The run', standardSchema: runSchema, headers: showHeaders })
  @ApiResponse({ status: 303, description: TO_PAGE, headers: locationHeader })
  @ApiResponse({ status: 304, description: 'Nothing has changed since', headers: showHeaders })
  @ApiProblems('invalid-request', 'run-unknown', 'journal-unavailable')
  async show(
    @Param('id', anyCase) id: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    response.vary('Accept');
    await this.runs.requireSeen(id, contextOf(request).onlyClient);
    const { 'if-none-match': known } = request.headers;
    const { respondAsync: _, ...wait } = preferences(request);
    const waitMs = applyWait(wait, response, {
      otherwiseMs: 0,
      mostMs: this.maxWaitMs,
    });
    /** Whether the caller has this already, by its `If-None-Match`. */
    const isKnown = (run: Readonly<RunRecord>): boolean => {
      const tag = tagOf(run);
      response.setHeader('ETag', `W/${tag}`);
      return known !== undefined && hasTag(known, tag);
    };
    const until = this.runs.elapsed + waitMs;
    const run =
      waitMs === 0
        ? await this.runs.get(id)
        : await (known !== undefined
            ? this.runs.until(id, (now) => isFinished(now) || !isKnown(now), { until })
            : this.runs.until(id, isFinished, { until, types: ['run.finished'] }));
    if (!isKnown(run)) return runView(run);
    response.status(304);
    return undefined;
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'eraseRun',
    summary: 'Erase a finished run',
    description:
      'Erases the run: its input, its results, its errors, its labels and its idempotency key. It is unknown then. Of its events the numbers and times stay, as `run.erased`, so that readers of all events see no gap; they go when the run would have been deleted.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiNoContentResponse({ description: 'It is erased' })
  @ApiProblems('malformed-json', 'invalid-request', 'run-unknown', 'run-unfinished', 'journal-unavailable')
  async erase(@Param('id', anyCase) id: string, @Req() request: Request): Promise<void> {
    await this.runs.requireSeen(id, contextOf(request).onlyClient);
    await this.control.erase(id);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'cancelRun',
    summary: 'Cancel a run',
    description:
      'Cancels every sub-task that is unfinished, which ends the run. A run that has no reply yet is then `cancelled`; one that was answered keeps its reply. Doing so again changes nothing.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiHeader(requestHeaders.ifMatch)
  @ApiOkResponse({ description: 'The run as that leaves it', standardSchema: runSchema })
  @ApiAcceptedResponse({
    description:
      'It is on record that this was asked for, and it is done as soon as a node can: the one that executes the run doesn’t answer, or is stopping.',
    standardSchema: runSchema,
  })
  @ApiProblems(
    'malformed-json',
    'invalid-request',
    'run-unknown',
    'run-finished',
    'precondition-failed',
    'journal-unavailable',
    'stopping',
  )
  async cancel(
    @Param('id', anyCase) id: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    await this.runs.requireSeen(id, contextOf(request).onlyClient);
    return commanded(await this.control.cancel(id, expectedBy(request)), response);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'resumeRun',
    summary: 'Resume a run that is set aside',
    description:
      'Lets a run go on that the service has set aside, because several starts or nodes in a row died after they had resumed it. If the next one dies too, it is set aside again. A run that is not set aside is left as it is.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiOkResponse({ description: 'The run as that leaves it', standardSchema: runSchema })
  @ApiProblems('malformed-json', 'invalid-request', 'run-unknown', 'journal-unavailable', 'stopping')
  async resume(@Param('id', anyCase) id: string, @Req() request: Request) {
    await this.runs.requireSeen(id, contextOf(request).onlyClient);
    return runView(await this.control.resume(id));
  }

  @Post(':id/sub-tasks/:name/retry')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'retrySubTask',
    summary: 'Retry a failed sub-task',
    description:
      'Runs a sub-task that has failed again, as one further attempt. A run that was finished goes on until that has ended, and its status follows. A result that was replied stays; a run that failed is decided anew.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiParam({ name: 'name', example: 'first' })
  @ApiHeader(requestHeaders.ifMatch)
  @ApiHeader(requestHeaders.idempotencyKeyOfRetry)
  @ApiOkResponse({
    description: 'The run as that leaves it',
    standardSchema: runSchema,
    headers: answerHeaders.replayed,
  })
  @ApiAcceptedResponse({
    description:
      'It is on record that this was asked for, and it is done as soon as a node can: the one that executes the run doesn’t answer, or is stopping.',
    standardSchema: runSchema,
  })
  @ApiProblems(
    'malformed-json',
    'invalid-request',
    'run-unknown',
    'sub-task-unknown',
    'sub-task-not-failed',
    'input-not-kept',
    'precondition-failed',
    'idempotency-key-reused',
    'task-unknown',
    'overloaded',
    'journal-unavailable',
    'stopping',
  )
  async retry(
    @Param('id', anyCase) id: string,
    @Param('name') name: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    await this.runs.requireSeen(id, contextOf(request).onlyClient);
    return commanded(
      await this.control.retry(id, name, { key: idempotencyKey(request), check: expectedBy(request) }),
      response,
    );
  }
}
