import { Body, Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '../http/open-api.js';
import type { Request } from 'express';
import { z } from 'zod';
import { KeepsToOwnRuns } from '../access/needed-scope.decorator.js';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError, inputErrors, invalidRequest } from '../core/domain-error.js';
import { originFields } from '../core/run-origin.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { linkTo } from '../http/links.js';
import { pathOf } from '../http/operations.js';
import { problemSchema } from '../http/problem.schema.js';
import { problem, problemTypes, type Problem } from '../http/problems.js';
import { Refusals } from '../http/refusals.js';
import { contextOf } from '../http/request-context.js';
import { RunBatches } from './run-batches.js';
import { runBatchShapeSchema } from './run-batches.schemas.js';
import type { StartedRun } from './started-run.js';

const acceptedSchema = z
  .object({
    status: z.literal(202),
    id: z.string().meta({ description: 'The id of the run.' }),
    runId: z.string().meta({ description: 'The same.' }),
    replayed: z.boolean().meta({
      description: '`true` when an earlier item or request with the same key has started the run.',
    }),
    coalesced: z
      .literal(true)
      .exactOptional()
      .meta({ description: 'Set when an equal item or request has started the run.' }),
    reused: z
      .literal(true)
      .exactOptional()
      .meta({ description: 'Set when it is a run of the past, which has its reply.' }),
    links: z.object({ run: z.string() }),
  })
  .meta({ id: 'AcceptedRun', description: 'A run that the journal has. There may be no reply yet.' });

/** The answer of `POST /tasks/{name}/runs:batch`. */
const batchAnswerSchema = z
  .object({
    accepted: z.int().meta({ description: 'How many items have a run.' }),
    refused: z.int().meta({ description: 'How many have a problem document instead.' }),
    runs: z
      .array(z.union([acceptedSchema, problemSchema]))
      .meta({ description: 'One entry for each item, in the order of the items.' }),
  })
  .meta({
    id: 'RunBatchAnswer',
    examples: [
      {
        accepted: 1,
        refused: 1,
        runs: [
          {
            status: 202,
            id: EXAMPLE_RUN_ID,
            runId: EXAMPLE_RUN_ID,
            replayed: false,
            links: { run: `/runs/${EXAMPLE_RUN_ID}` },
          },
          problem('overloaded', problemTypes.overloaded.happened, { path: '/tasks/demo/runs:batch' }),
        ],
      },
    ],
  });

@Controller('tasks')
export class RunBatchesController {
  private readonly logger = loggerOf('request');

  private readonly maxItemBytes: number;

  constructor(
    private readonly batches: RunBatches,
    private readonly refusals: Refusals,
    @Inject(CONFIG) config: Config,
  ) {
    this.maxItemBytes = config.MAX_INPUT_BYTES;
  }

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
    const settled = await this.batches.start(name, batch.runs, {
      origin: context,
      headers: request.headers,
      client: context.clientId ?? '',
      maxItemBytes: this.maxItemBytes,
    });
    const runs = settled.map((item) =>
      item.status === 'fulfilled' ? entry(item.value, request) : this.problemOf(item.reason, request),
    );
    const accepted = settled.filter(({ status }) => status === 'fulfilled').length;
    return { accepted, refused: runs.length - accepted, runs };
  }

  private problemOf(error: unknown, request: Request): Problem {
    const place = { base: linkTo(request, ''), path: pathOf(request) };
    if (error instanceof DomainError) {
      const refused = problem(error.code, error.message, place, error.details);
      this.refusals.count(error.code, request, refused.status === 503 ? refused.detail : undefined);
      return refused;
    }
    this.logger.error({ msg: textOf(error), ...originFields(contextOf(request)), err: error });
    return problem('internal-error', 'Something went wrong; the log of the service says what', place);
  }
}

function entry({ runId, replayed, coalesced, reused }: StartedRun, request: Request) {
  return {
    status: 202,
    id: runId,
    runId,
    replayed,
    ...(coalesced && { coalesced }),
    ...(reused && { reused: true as const }),
    links: { run: linkTo(request, `/runs/${runId}`) },
  };
}
