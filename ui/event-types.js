/** Every type of event, in the order in which a run may have them. */
export const EVENT_TYPES =
  /** @type {const} @satisfies {readonly import('../src/core/events.ts').EventType[]} */ ([
    'run.started',
    'sub-task.held-back',
    'sub-task.started',
    'sub-task.progressed',
    'sub-task.streamed',
    'sub-task.retrying',
    'sub-task.succeeded',
    'sub-task.failed',
    'sub-task.cancelled',
    'sub-task.skipped',
    'run.replied',
    'run.finished',
    'run.reopened',
    'run.erased',
  ]);
