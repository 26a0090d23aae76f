import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import type { z } from 'zod';
import { NeedsScope } from '../access/needed-scope.decorator.js';
import { DomainError } from '../core/domain-error.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '../http/open-api.js';
import { breakersSchema, EXAMPLE_UPSTREAM } from './breakers.schemas.js';
import { KeptBreakers } from './kept-breakers.js';

type Shown = z.input<typeof breakersSchema>['breakers'][number];

@ApiTags('Nodes')
@Controller('breakers')
export class BreakersController {
  constructor(private readonly breakers: KeptBreakers) {}

  @Get()
  @ApiOperation({
    operationId: 'listBreakers',
    summary: 'List the breakers',
    description:
      'The breaker of each upstream that a sub-task with `breaker` calls, and those that aren’t closed. Nodes that share a Postgres database know of each other’s within a second; what is counted is the node’s own.',
  })
  @ApiOkResponse({ description: 'The breakers, by their upstreams', standardSchema: breakersSchema })
  list(): z.input<typeof breakersSchema> {
    return { breakers: this.breakers.all().map(shown) };
  }

  @Delete(':upstream')
  @NeedsScope('admin')
  @HttpCode(204)
  @ApiParam({ name: 'upstream', example: EXAMPLE_UPSTREAM, description: 'Percent-encoded.' })
  @ApiOperation({
    operationId: 'resetBreaker',
    summary: 'Reset a breaker',
    description:
      'Closes it, so that its upstream is called again, by other nodes within a second or so. It opens again when that fails.',
  })
  @ApiNoContentResponse({ description: 'It is closed' })
  @ApiProblems('not-found', 'journal-unavailable')
  async reset(@Param('upstream') upstream: string): Promise<void> {
    if (await this.breakers.reset(upstream)) return;
    throw new DomainError(
      'not-found',
      `There is no breaker of ${JSON.stringify(upstream)}; GET /breakers lists those there are`,
    );
  }
}

function shown({ breaker, of }: ReturnType<KeptBreakers['all']>[number]): Shown {
  const { upstream, state, standing } = breaker;
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    ...{ upstream, state, since: time(standing?.since), until: time(standing?.until) },
    ...{ reason: standing?.reason ?? null, failedProbes: standing?.failedProbes ?? 0 },
    ...breaker.counts(of[0]?.terms.windowMs ?? 0),
    subTasks: of.map(({ task, subTask }) => ({ task, subTask })),
  };
}
