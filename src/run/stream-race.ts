import type { SubTaskEvent } from '../core/events.js';
import { mayLead } from '../core/stream-lead.js';
import type { RunReply } from './run-reply.js';
import type { RunTerms } from './run-terms.js';
import type { StreamPlace } from './stream-reading.js';
import type { SubTaskRun } from './sub-task-run.js';

/** The streams of one run. Committed events decide which stream callers are shown, and what becomes of the others. */
export class StreamRace {
  /** How many callers can take no more for now. */
  private slowReaders = 0;

  constructor(
    private readonly terms: RunTerms,
    private readonly subTasks: readonly SubTaskRun[],
    private readonly replying: RunReply,
  ) {}

  /** Where the stream of an attempt that begins now stands. A new attempt of the leading sub-task breaks off its own lead. */
  placeOf(subTask: string): StreamPlace {
    const { replying, terms } = this;
    const { lead, leadIsKnown } = replying;
    if (!mayLead(terms, subTask)) return 'lost';
    if (lead?.subTask === subTask) return lead.broken ? 'racing' : 'behind';
    return leadIsKnown ? 'lost' : 'racing';
  }

  /** Counts that a caller can take no more for now (1), or can again (-1). */
  hold(by: 1 | -1): void {
    this.slowReaders += by;
    for (const { stream } of this.subTasks) stream?.hold(this.slowReaders > 0);
  }

  /** Called for committed events. @returns whether a stream leads now; undefined if the lead has not changed */
  follow(event: SubTaskEvent): boolean | undefined {
    const { replying, subTasks } = this;
    const changed = (event.type === 'sub-task.streamed' || replying.lead) && replying.follow(event);
    const { lead } = replying;
    if (event.type === 'sub-task.streamed') {
      const leads = !lead?.broken && lead?.subTask === event.subTask && lead.attempt === event.attempt;
      subTasks.find(({ name }) => name === event.subTask)?.stream?.recorded(event.attempt, leads);
    }
    if (!changed || !lead) return undefined;
    for (const { name, stream } of subTasks) {
      if (lead.broken && replying.leadIsKnown) stream?.lose();
      else if (lead.broken && mayLead(this.terms, name)) stream?.race();
      else if (!lead.broken && name !== lead.subTask) stream?.lose();
      else stream?.hold(this.slowReaders > 0);
    }
    return !lead.broken;
  }

  /** Called when the reply is decided: streams that go on are shown to nobody. */
  end(): void {
    for (const { stream } of this.subTasks) stream?.lose();
  }
}
