import type { INestApplicationContext } from '@nestjs/common';
import type { ClusterNode } from './cluster/cluster-node.js';
import { CLUSTER_NODE } from './cluster/cluster.tokens.js';
import { TasksService } from './tasks/tasks.service.js';
import { Deliverer } from './webhooks/deliverer.js';

/** Refuses new runs, ends streams and deliveries, and ends the runs under way, or leaves them to be resumed, within SHUTDOWN_GRACE. */
export async function stopRuns(app: INestApplicationContext): Promise<void> {
  const node = app.get<ClusterNode | undefined>(CLUSTER_NODE, { strict: false });
  await Promise.all([
    node?.stopTaking(),
    app.get(TasksService, { strict: false }).stop(),
    app.get(Deliverer, { strict: false }).stop(),
  ]);
  await node?.leave();
}
