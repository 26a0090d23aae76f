import { Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiNoContentResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '../http/open-api.js';
import type { z } from 'zod';
import { NeedsScope } from '../access/needed-scope.decorator.js';
import { CLUSTER_OPERATIONS } from '../cluster/cluster.tokens.js';
import type { ClusterOperations } from '../cluster/operations.js';
import { CANCELLED, PAUSABLE_QUEUES, RETRIED, type Pausable } from '../cluster/operator-terms.js';
import { DomainError, invalidRequest } from '../core/domain-error.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Journal } from '../run/journal.js';
import { RunControl } from '../tasks/run-control.js';
import {
  cancelFilterSchema,
  countSchema,
  redrivenSchema,
  redriveFilterSchema,
  retryFilterSchema,
} from './admin.schemas.js';
import { askNodes } from './ask-nodes.js';
import { EXAMPLE_NODE_ID } from './nodes.schemas.js';
import { cancelRuns, retryRuns } from './local-runs.js';
import { ValidBody } from '../http/validated.decorator.js';

/** What `frontrunner nodes` does, for programs. */
@ApiTags('Admin')
@NeedsScope('admin')
@Controller('admin')
export class AdminController {
  /** @param cluster undefined where no other node shares the journal */
  constructor(
    private readonly journal: Journal,
    private readonly control: RunControl,
    @Inject(CLUSTER_OPERATIONS) private readonly cluster: ClusterOperations | undefined,
  ) {}

  @Post('nodes/:id/drain')
  @ApiParam({ name: 'id', example: EXAMPLE_NODE_ID })
  @HttpCode(204)
  @ApiOperation({
    operationId: 'drainNode',
    summary: 'Drain a node',
    description: 'Lets it take nothing new, within a second or so. What it has goes on.',
  })
  @ApiNoContentResponse({ description: 'It is to be drained' })
  @ApiProblems('malformed-json', 'not-found', 'postgres-needed', 'journal-unavailable')
  async drain(@Param('id') id: string): Promise<void> {
    await this.setDraining(id, true);
  }

  @Post('nodes/:id/undrain')
  @ApiParam({ name: 'id', example: EXAMPLE_NODE_ID })
  @HttpCode(204)
  @ApiOperation({
    operationId: 'undrainNode',
    summary: 'Let a drained node take runs again',
    description: 'It does so within a second or so.',
  })
  @ApiNoContentResponse({ description: 'It is to take runs again' })
  @ApiProblems('malformed-json', 'not-found', 'postgres-needed', 'journal-unavailable')
  async undrain(@Param('id') id: string): Promise<void> {
    await this.setDraining(id, false);
  }

  @Post('tasks/:name/pause')
  @ApiParam({ name: 'name', example: 'demo' })
  @HttpCode(204)
  @ApiOperation({
    operationId: 'pauseTask',
    summary: 'Pause a task',
    description:
      'Lets no node take new runs of it, which get 503 `overloaded`, nor sub-tasks of it that left their node.',
  })
  @ApiNoContentResponse({ description: 'It is to be paused' })
  @ApiProblems('malformed-json', 'not-found', 'postgres-needed', 'journal-unavailable')
  async pauseTask(@Param('name') name: string): Promise<void> {
    const isKnown = await this.ask((cluster) => cluster.pause({ kind: 'task', name }));
    if (!isKnown) throw new DomainError('not-found', `No node knows a task ${JSON.stringify(name)}`);
  }

  @Post('tasks/:name/resume')
  @ApiParam({ name: 'name', example: 'demo' })
  @HttpCode(204)
  @ApiOperation({
    operationId: 'resumeTask',
    summary: 'Let a paused task go on',
    description: 'Nodes take its runs again within a second or so.',
  })
  @ApiNoContentResponse({ description: 'It is to go on' })
  @ApiProblems('malformed-json', 'not-found', 'postgres-needed', 'journal-unavailable')
  async resumeTask(@Param('name') name: string): Promise<void> {
    await this.resume({ kind: 'task', name });
  }

  @Post('queues/:name/pause')
  @ApiParam({ name: 'name', enum: PAUSABLE_QUEUES })
  @HttpCode(204)
  @ApiOperation({
    operationId: 'pauseQueue',
    summary: 'Pause a queue',
    description: `Lets no node take deliveries from it: ${PAUSABLE_QUEUES.join(' or ')}.`,
  })
  @ApiNoContentResponse({ description: 'It is to be paused' })
  @ApiProblems('malformed-json', 'not-found', 'postgres-needed', 'journal-unavailable')
  async pauseQueue(@Param('name') name: string): Promise<void> {
    if (!PAUSABLE_QUEUES.some((queue) => queue === name))
      throw new DomainError(
        'not-found',
        `There is no queue ${JSON.stringify(name)}; there are ${PAUSABLE_QUEUES.join(' and ')}`,
      );
    await this.ask((cluster) => cluster.pause({ kind: 'queue', name }));
  }

  @Post('queues/:name/resume')
  @ApiParam({ name: 'name', enum: PAUSABLE_QUEUES })
  @HttpCode(204)
  @ApiOperation({
    operationId: 'resumeQueue',
    summary: 'Let a paused queue go on',
    description: 'Nodes take deliveries from it again within a second or so.',
  })
  @ApiNoContentResponse({ description: 'It is to go on' })
  @ApiProblems('malformed-json', 'not-found', 'postgres-needed', 'journal-unavailable')
  async resumeQueue(@Param('name') name: string): Promise<void> {
    await this.resume({ kind: 'queue', name });
  }

  @Post('queue/redrive')
  @HttpCode(202)
  @ApiBody({
    schema: { $ref: '#/components/schemas/RedriveFilter' },
    examples: {
      some: { summary: 'What waits of a run', value: { runs: [EXAMPLE_RUN_ID] } },
      all: { summary: 'All of it', value: { all: true } },
    },
  })
  @ApiOperation({
    operationId: 'redriveDeadLetters',
    summary: 'Redrive dead letters',
    description:
      'Sends sub-tasks that wait in the dead-letter queue back to the queue that they came from, with as many deliveries as at first. Runs whose task no node knew wait for such a node anew.',
  })
  @ApiAcceptedResponse({ description: 'They are on their way', standardSchema: redrivenSchema })
  @ApiProblems('malformed-json', 'invalid-request', 'not-found', 'postgres-needed', 'journal-unavailable')
  async redrive(@ValidBody(redriveFilterSchema) filter: z.infer<typeof redriveFilterSchema>) {
    const redriven = await this.ask(async ({ dead }) => {
      if (!dead) return 0;
      const { ofRuns } = await import('../cluster/dead-sub-tasks.js');
      const { missing, ...letters } = ofRuns(await dead.letters(), filter.runs ?? 'all');
      if (missing.length > 0)
        throw new DomainError('not-found', `The dead-letter queue has nothing of ${missing.join(', ')}`);
      return letters.runs.length + (await dead.redrive(letters));
    });
    return { redriven };
  }

  @Post('runs/cancel')
  @HttpCode(202)
  @ApiBody({
    schema: { $ref: '#/components/schemas/CancelFilter' },
    examples: { old: { summary: 'Old runs of a task', value: { task: 'demo', olderThan: '1h' } } },
  })
  @ApiOperation({
    operationId: 'cancelRuns',
    summary: 'Cancel runs',
    description: 'Asks for the end of all unfinished runs that a filter fits.',
  })
  @ApiAcceptedResponse({ description: 'It is done, or nodes are to do it', standardSchema: countSchema })
  @ApiProblems('malformed-json', 'invalid-request', 'journal-unavailable', 'stopping')
  async cancel(@ValidBody(cancelFilterSchema) filter: z.infer<typeof cancelFilterSchema>) {
    const { task, status, node, olderThan: olderThanMs = 0 } = filter;
    if (this.cluster)
      return { runs: await this.ask((cluster) => cluster.cancel({ task, status, node, olderThanMs })) };
    if (node !== undefined)
      throw invalidRequest([
        { pointer: '/node', detail: 'there are no other nodes without a Postgres database' },
      ]);
    const statuses = status === undefined ? CANCELLED : [status];
    return { runs: await cancelRuns(this.journal, this.control, { task, statuses, olderThanMs }) };
  }

  @Post('runs/retry')
  @HttpCode(202)
  @ApiBody({
    schema: { $ref: '#/components/schemas/RetryFilter' },
    examples: { failed: { summary: 'Failed runs of a task', value: { task: 'demo', status: 'failed' } } },
  })
  @ApiOperation({
    operationId: 'retryRuns',
    summary: 'Retry what failed of runs',
    description: 'Asks for another attempt of all failed sub-tasks of the finished runs that a filter fits.',
  })
  @ApiAcceptedResponse({ description: 'It is done, or nodes are to do it', standardSchema: countSchema })
  @ApiProblems('malformed-json', 'invalid-request', 'journal-unavailable', 'stopping')
  async retry(@ValidBody(retryFilterSchema) filter: z.infer<typeof retryFilterSchema>) {
    const { task, status, olderThan: olderThanMs = 0 } = filter;
    if (this.cluster)
      return { runs: await this.ask((cluster) => cluster.retry({ task, status, olderThanMs })) };
    const statuses = status === undefined ? RETRIED : [status];
    return { runs: await retryRuns(this.journal, this.control, { task, statuses, olderThanMs }) };
  }

  private async setDraining(id: string, draining: boolean): Promise<void> {
    const isThere = await this.ask((cluster) => cluster.drain(id, draining));
    if (!isThere) throw new DomainError('not-found', `There is no node ${JSON.stringify(id)}`);
  }

  private async resume(paused: Pausable): Promise<void> {
    const wasPaused = await this.ask((cluster) => cluster.resume(paused));
    if (!wasPaused)
      throw new DomainError('not-found', `The ${paused.kind} ${JSON.stringify(paused.name)} is not paused`);
  }

  private ask<T>(what: (cluster: ClusterOperations) => Promise<T>): Promise<T> {
    return askNodes(this.cluster, what);
  }
}
