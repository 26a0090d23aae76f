import { Controller, Get, Inject } from '@nestjs/common';
import type { z } from 'zod';
import { CLUSTER_OPERATIONS } from '../cluster/cluster.tokens.js';
import type { ClusterOperations, NodeFigures } from '../cluster/operations.js';
import { CONFIG, type Config } from '../config/config.js';
import { newRunId, timeOfId } from '../core/run-id.js';
import { version } from '../core/version.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import { askNodes } from './ask-nodes.js';
import { nodesSchema } from './nodes.schemas.js';

type Answer = z.input<typeof nodesSchema>;

const NO_COMMITS = { count: 0, p50: null, p90: null, p99: null };

@ApiTags('Nodes')
@Controller('nodes')
export class NodesController {
  /** The id of the only node. */
  private readonly id = newRunId();
  private readonly version = version();

  /** @param cluster undefined where no other node shares the journal */
  constructor(
    private readonly journal: Journal,
    private readonly runs: Runs,
    @Inject(CLUSTER_OPERATIONS) private readonly cluster: ClusterOperations | undefined,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listNodes',
    summary: 'List the nodes',
    description:
      'The nodes that share the Postgres database, or the only one that uses the SQLite database or the memory; and the journal.',
  })
  @ApiOkResponse({ description: 'The nodes', standardSchema: nodesSchema })
  @ApiProblems('journal-unavailable')
  async list(): Promise<Answer> {
    const nodes = this.cluster ? await askNodes(this.cluster, (cluster) => cluster.nodes()) : [this.only];
    const { groups, sharing } = this.journal;
    const self = sharing?.nodeId ?? this.id;
    return {
      nodes: nodes.map((node) => shown(node, node.id === self)),
      journal: {
        kind: this.config.DATABASE_URL.kind,
        pendingEvents: groups?.pending ?? 0,
        commitMs: groups?.times.quantiles() ?? NO_COMMITS,
        fileBytes: (await this.journal.fileBytes()) ?? null,
      },
    };
  }

  private get only(): NodeFigures {
    const { config, journal, runs } = this;
    return {
      id: this.id,
      role: config.ROLE,
      state: runs.stopping ? 'draining' : 'taking runs',
      runs: runs.counts.active,
      freeSlots: runs.freeSlots,
      slots: config.MAX_CONCURRENT_SUB_TASKS,
      version: this.version,
      seenMs: 0,
      skewMs: 0,
      lagMs: journal.groups?.lagMs ?? 0,
    };
  }
}

function shown({ id, freeSlots, slots, ...node }: NodeFigures, isSelf: boolean): Answer['nodes'][number] {
  return {
    id,
    ...(isSelf && { self: true }),
    startedAt: new Date(timeOfId(id)).toISOString(),
    slots: slots === null ? null : { used: slots - freeSlots, limit: slots },
    ...node,
  };
}
