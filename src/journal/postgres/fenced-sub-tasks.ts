import type { NewEvent } from '../../core/events.js';
import type { Guard, OpenRun } from './postgres-group.js';

export interface SubTaskOfRun {
  readonly runId: string;
  readonly subTask: string;
}

/** Sub-tasks that left the node of their run, as far as this node has to do with them: what it tells of them is fenced. */
export class FencedSubTasks {
  private readonly runs = new Map<string, OpenRun>();

  add(subTask: SubTaskOfRun, run: OpenRun): void {
    this.runs.set(keyOf(subTask), run);
  }

  /** The run of one; undefined when it isn't fenced here. */
  runOf(subTask: SubTaskOfRun): OpenRun | undefined {
    return this.runs.get(keyOf(subTask));
  }

  delete(subTask: SubTaskOfRun): void {
    this.runs.delete(keyOf(subTask));
  }

  clear(): void {
    this.runs.clear();
  }

  /**
   * What an event must find for it to be recorded; undefined when it is recorded in any case.
   *
   * @param keep keeps a sub-task from leaving that is about to; false when it has left
   */
  guardOf(event: NewEvent, keep: (subTask: SubTaskOfRun) => boolean): Guard | undefined {
    if (event.type === 'run.reopened') return 'reopens';
    if (!('subTask' in event) || !this.runOf(event)) return undefined;
    switch (event.type) {
      case 'sub-task.started':
        return 'begins';
      case 'sub-task.retrying':
        return 'goes-on';
      case 'sub-task.succeeded':
      case 'sub-task.failed':
        return 'ends';
      case 'sub-task.cancelled':
      case 'sub-task.skipped':
        return keep(event) ? undefined : 'ends-from-outside';
      default:
        return undefined;
    }
  }
}

function keyOf({ runId, subTask }: SubTaskOfRun): string {
  return `${runId}/${subTask}`;
}
