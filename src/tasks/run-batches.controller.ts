import { Body, Controller, HttpCode, Logger, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { KeepsToOwnRuns } from '../access/needed-scope.decorator.js';
import { DomainError, inputErrors, invalidRequest } from '../core/domain-error.js';
import { originFields } from '../core/run-origin.js';
import { textOf } from '../core/thrown.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { linkTo } from '../http/links.js';
import { pathOf } from '../http/operations.js';
import { problem, type Problem } from '../http/problems.js';
import { contextOf } from '../http/request-context.js';
import { RunBatches } from './run-batches.js';
import { batchAnswerSchema, runBatchShapeSchema } from './run-batches.schemas.js';
import type { StartedRun } from './tasks.service.js';

@Controller('tasks')
export class RunBatchesController {
  private readonly logger = new Logger(RunBatchesController.name);

  constructor(private readonly batches: RunBatches) {}

  @Post(':name/runs\\:batch')
  @KeepsToOwnRuns()
  @HttpCode(200)
  @ApiTags('Runs')
  @ApiOperation({
    operationId: 'createRuns',
    summary: 'Run a task many times',
    description:
      'Starts a run for each of up to 1,000 items, all at once, and answers as soon as the journal has them. It waits for no reply, whatever `Prefer` says: `links.run` shows each run. An item that is refused stops no other; its entry is a problem document. The answer is 200 also when all are refused. An item has at most `MAX_INPUT_BYTES`, the body 1 MiB (or `MAX_INPUT_BYTES`, if that is more). Each item counts as a request for `RATE_LIMIT`.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiBody({
    schema: { $ref: '#/components/schemas/RunBatch' },
    examples: {
      two: {
        summary: 'Two runs, one with a key',
        value: { runs: [{ idempotencyKey: 'order-7', labels: { order: '7' } }, { losers: 'cancel' }] },
      },
    },
  })
  @ApiOkResponse({ description: 'The runs', standardSchema: batchAnswerSchema })
  @ApiProblems(
    'malformed-json',
    'invalid-request',
    'task-unknown',
    'payload-too-large',
    'unsupported-media-type',
    'overloaded',
  )
  async create(@Param('name') name: string, @Body() body: unknown, @Req() request: Request) {
    if (request.headers['idempotency-key'] !== undefined)
      throw invalidRequest([
        { header: 'Idempotency-Key', detail: 'is for one run; give each item its own idempotencyKey' },
      ]);
    const { data: batch, error } = runBatchShapeSchema.safeParse(body);
    if (error) throw invalidRequest(inputErrors(error.issues));
    const context = contextOf(request);
    const settled = await this.batches.start(name, batch.runs, context, context.clientId ?? '');
    const runs = settled.map((item) =>
      item.status === 'fulfilled' ? entry(item.value, request) : this.problemOf(item.reason, request),
    );
    const accepted = settled.filter(({ status }) => status === 'fulfilled').length;
    return { accepted, refused: runs.length - accepted, runs };
  }

  private problemOf(error: unknown, request: Request): Problem {
    const place = { base: linkTo(request, ''), path: pathOf(request) };
    if (error instanceof DomainError) return problem(error.code, error.message, place, error.details);
    this.logger.error({ msg: textOf(error), ...originFields(contextOf(request)), err: error });
    return problem('internal-error', 'Something went wrong; the log of the service says what', place);
  }
}

function entry({ runId, replayed }: StartedRun, request: Request) {
  return { status: 202, id: runId, runId, replayed, links: { run: linkTo(request, `/runs/${runId}`) } };
}
