import { Controller, Get, Inject, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { CLUSTER_OPERATIONS } from '../cluster/cluster.tokens.js';
import type { ClusterFigures, ClusterOperations } from '../cluster/operations.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { linkTo } from '../http/links.js';
import { ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import { ValidQuery } from '../http/validated.decorator.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import { askNodes } from './ask-nodes.js';
import { BUSIEST_KEYS, lettersQuerySchema, lettersSchema, queueSchema } from './nodes.schemas.js';

@ApiTags('Nodes')
@Controller('queue')
export class QueueController {
  /** @param cluster undefined where no other node shares the journal */
  constructor(
    private readonly journal: Journal,
    private readonly runs: Runs,
    @Inject(CLUSTER_OPERATIONS) private readonly cluster: ClusterOperations | undefined,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'getQueue',
    summary: 'What is before the nodes',
    description:
      'Figures of all nodes together, but for `queued` and `keys`. Times are in milliseconds. What only nodes that share a Postgres database have is 0 without one.',
  })
  @ApiOkResponse({ description: 'The figures', standardSchema: queueSchema })
  @ApiProblems('journal-unavailable')
  async show() {
    const { cluster } = this;
    const figures = cluster && (await askNodes(cluster, (nodes) => nodes.figures()));
    const { runs } = this;
    return {
      queued: runs.counts.queued,
      keys: runs.admission.busiestKeys(BUSIEST_KEYS),
      ...(figures ?? this.own),
    };
  }

  @Get('dead-letters')
  @ApiOperation({
    operationId: 'listDeadLetters',
    summary: 'List the dead letters',
    description:
      'Sub-tasks that too many nodes died of, or that could not be delivered to any, and runs whose task no node knows; those that wait longest first. `POST /admin/queue/redrive` sends them on their way again. There are none without a Postgres database.',
  })
  @ApiOkResponse({ description: 'The dead letters', standardSchema: lettersSchema })
  @ApiProblems('invalid-request', 'journal-unavailable')
  async deadLetters(
    @ValidQuery(lettersQuerySchema) { limit }: z.infer<typeof lettersQuerySchema>,
    @Req() request: Request,
  ): Promise<z.input<typeof lettersSchema>> {
    const dead = this.cluster?.dead;
    if (!dead) return { deadLetters: [] };
    const { runs, subTasks } = await askNodes(this.cluster, () => dead.letters(limit));
    const letters = [...runs.map((run) => ({ ...run, subTask: null, deliveries: null })), ...subTasks];
    const link = linkTo(request, '/runs');
    return {
      deadLetters: letters
        .sort((a, b) => a.since.getTime() - b.since.getTime())
        .slice(0, limit)
        .map(({ runId, task, subTask, since, deliveries, reason }) => ({
          ...{ runId, task, subTask, since: since.toISOString(), deliveries, reason },
          links: { run: `${link}/${runId}` },
        })),
    };
  }

  private get own(): ClusterFigures {
    const { groups, setAside } = this.journal;
    const nothing = { waiting: 0, deliveries: 0, oldestDeliveryMs: 0, dead: 0, commands: 0 };
    return {
      ...nothing,
      unfinished: this.runs.counts.active + setAside.size,
      setAside: setAside.size,
      commitLagMs: groups?.lagMs ?? 0,
      paused: [],
      pausedQueues: [],
    };
  }
}
