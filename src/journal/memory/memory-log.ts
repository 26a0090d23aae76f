import { indexBehind } from '../../core/event-order.js';
import type { RunEvent } from '../../core/events.js';
import { parseJson } from '../../core/exact-json.js';
import { erasedText } from '../erased-text.js';
import { eventText, fitting, headOf } from '../event-text.js';
import { PAGE_SIZE, PAGE_STRETCH, type EventPage, type EventQuery } from '../../run/journal-pages.js';

/** Size at which a block is full, in characters. It also bounds how much of other runs' events one kept run can hold in memory. */
const BLOCK_SIZE = 4_096;
/** Separates two events of a block. JSON has no line breaks in it. */
const SEPARATOR = '\n';

/**
 * Consecutive events as one text. Objects that live as long as the history are costly: the garbage collector copies and scans them again
 * and again. It doesn't scan text.
 */
class Block {
  /** The id of its last event. */
  id = 0;
  /** How long its text is, in characters. */
  size = 0;
  /** How many kept runs have events in the block. */
  runs = 0;
  /**
   * The texts of its events until the block is full, then one joined text. Not one growing text, because a text that grows is a tree in
   * memory.
   */
  private content: string[] | string = [];

  get lines(): readonly string[] {
    if (this.content === '') return [];
    return typeof this.content === 'string' ? this.content.split(SEPARATOR) : this.content;
  }

  /** Adds an event. @returns false when the block is full */
  add(id: number, text: string): boolean {
    if (typeof this.content === 'string') return false;
    if (this.content.length > 0 && this.size + text.length > BLOCK_SIZE) {
      this.content = this.content.join(SEPARATOR);
      return false;
    }
    this.content.push(text);
    this.size += text.length;
    this.id = id;
    return true;
  }

  clear(): void {
    this.content = '';
  }

  /** Erases the events of a run. @returns by how many characters the block shrinks */
  erase(runId: string): number {
    const lines = this.lines.map((line) => (headOf(line)?.runId === runId ? erasedText(line) : line));
    const { size } = this;
    this.size = lines.reduce((sum, line) => sum + line.length, 0);
    this.content = typeof this.content === 'string' ? lines.join(SEPARATOR) : lines;
    return size - this.size;
  }
}

/** The blocks that have events of a run. */
export interface RunLog {
  readonly blocks: Block[];
  /** Size of the run's events, in characters. */
  size: number;
}

/** The committed events of the runs that are kept, in their order. */
export class MemoryLog {
  private blocks: Block[] = [];
  /** How many blocks have no events of runs that are kept. */
  private forgotten = 0;

  /** @param about the members that describe the run: see `aboutRun` */
  add(event: RunEvent, about: string, run: RunLog): void {
    const text = eventText(event, about);
    let block = this.blocks.at(-1);
    if (!block?.add(event.id, text)) {
      block = new Block();
      block.add(event.id, text);
      this.blocks.push(block);
    }
    if (run.blocks.at(-1) !== block) {
      run.blocks.push(block);
      block.runs += 1;
    }
    run.size += text.length;
  }

  forget(run: RunLog): void {
    for (const block of run.blocks) {
      block.runs -= 1;
      if (block.runs > 0) continue;
      block.clear();
      this.forgotten += 1;
    }
    if (this.forgotten < this.blocks.length / 2) return;
    this.blocks = this.blocks.filter(({ runs }) => runs > 0);
    this.forgotten = 0;
  }

  /** Erases the contents of a run's events. */
  erase(runId: string, run: RunLog): void {
    for (const block of run.blocks) run.size -= block.erase(runId);
  }

  /** The events of a run. */
  eventsOf(runId: string, { blocks }: RunLog): RunEvent[] {
    return blocks
      .flatMap(({ lines }) => lines)
      .filter((line) => line.includes(runId) && headOf(line)?.runId === runId)
      .map((line) => parseJson(line) as RunEvent);
  }

  /**
   * @param isKept whether a run is kept
   * @param run the blocks of the run, when the query is for one run
   */
  page(query: EventQuery, upTo: number, isKept: (runId: string) => boolean, run?: RunLog): EventPage {
    const { after, limit } = query;
    const fits = fitting(query);
    const blocks = run?.blocks ?? this.blocks;
    const events: RunEvent[] = [];
    let [size, last, looked] = [0, after, 0];
    for (let at = indexBehind(blocks, after); at < blocks.length; at += 1) {
      for (const line of blocks[at]?.lines ?? []) {
        const head = headOf(line);
        if (!head || head.id <= after) continue;
        if (looked++ === PAGE_STRETCH) return { events, next: last };
        last = head.id;
        if (!fits(head) || !isKept(head.runId)) continue;
        events.push(parseJson(line) as RunEvent);
        size += line.length;
        if (events.length === limit || size > PAGE_SIZE) return { events, next: last };
      }
    }
    return { events, next: Math.max(after, upTo) };
  }
}
