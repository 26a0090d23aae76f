import { setTimeout as delay } from 'node:timers/promises';
import { type OnApplicationBootstrap } from '@nestjs/common';
import type { Notice } from '../journal/postgres/postgres-listener.js';
import { loggerOf } from '../core/logger-of.js';
import { STALLED_MS } from './cluster-store.js';
import { Contact } from './contact.js';
import type { NodeParts } from './node-parts.js';
import { reportBuried } from './placed-work.js';
import { knownNames } from './known-tasks.js';

/** Longest time between two beats, in milliseconds. A node has at least five beats within the timeout of nodes. */
const BEAT_MS = 1_000;
const BEATS = 5;
/** After how many beats the node looks for work of which no notice told it. */
const LOOK_AROUND = 10;

/**
 * This process as one of several nodes. It tells the others that it lives, detects nodes that are gone, takes over their runs, and
 * carries out commands for its own runs. Notices of other nodes wake it. What no notice told it, it finds a little later by itself.
 */
export class ClusterNode implements OnApplicationBootstrap {
  private readonly logger = loggerOf('node');
  private readonly closing = new AbortController();
  private wake = Promise.withResolvers<undefined>();
  private beatAtOnce = Promise.withResolvers<undefined>();
  private life: Promise<unknown> | undefined;
  private readonly contact: Contact;
  /**
   * When a node, or the connection to the database, was last found to have ended, on the clock of `performance.now()`. Deliveries that
   * were under way then may be lost. Undefined after a search for them.
   */
  private deliveriesMayHaveDiedAt: number | undefined = performance.now();
  private readonly intervalMs: number;
  private lookAround = true;
  private hasCommands = true;

  /** @param timeoutMs how long a node may not be seen before it counts as dead */
  constructor(
    private readonly parts: NodeParts,
    private readonly timeoutMs: number,
  ) {
    this.contact = new Contact(timeoutMs, parts.measures);
    this.intervalMs = Math.min(BEAT_MS, timeoutMs / BEATS);
    parts.journal.sharing.lost.subscribe(() => {
      this.beginAnew();
    });
    parts.journal.notices.subscribe((notice) => {
      this.hear(notice);
    });
    parts.work.onRested = () => {
      this.wake.resolve(undefined);
    };
    parts.registry.replaced.subscribe(() => {
      // Work may be waiting for a node that knows a task which this node now has. It can come here as soon as a beat has told the others.
      this.findStalled();
      this.beatAtOnce.resolve(undefined);
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.beat();
    const requested = this.parts.requested.workOn(this.closing.signal);
    this.life = Promise.all([this.beatOn(), this.workOn(), requested]);
    await this.parts.taking.begin();
  }

  /** Takes on no more work. Work that was taken on goes on. */
  async stopTaking(): Promise<void> {
    await this.parts.taking.stop();
  }

  /** Leaves unfinished work to the others, which continue it at once. Requests are still being answered here meanwhile. */
  async leave(): Promise<void> {
    this.closing.abort();
    this.wake.resolve(undefined);
    await this.life;
    await this.parts.heartbeat.close();
    this.parts.work.clear();
    this.parts.runs.leaveAll();
    await this.parts.journal.sharing.leave();
  }

  /** Beats wait for no other work, so that a busy node is not taken for dead. */
  private async beatOn(): Promise<void> {
    for (let beats = 2; !this.isClosing(); beats += 1) {
      await this.untilNextBeat();
      if (this.isClosing()) return;
      await this.attempt(() => this.beat());
      if (beats % LOOK_AROUND === 0) this.lookAround = this.hasCommands = true;
      this.wake.resolve(undefined);
    }
  }

  /** Waits for the interval, or less when a node was ended: that may be this one, taken for dead. */
  private async untilNextBeat(): Promise<void> {
    this.beatAtOnce = Promise.withResolvers();
    const pause = new AbortController();
    const signal = AbortSignal.any([pause.signal, this.closing.signal]);
    await Promise.race([
      this.beatAtOnce.promise,
      delay(this.intervalMs, undefined, { signal }).catch(() => undefined),
    ]);
    pause.abort();
  }

  /** Does the work that waits for the database and for the schemas of tasks: after each beat, and when notices come. */
  private async workOn(): Promise<void> {
    while (!this.isClosing()) {
      this.wake = Promise.withResolvers();
      await this.attempt(() => this.tidyWork());
      if (this.hasCommands) await this.attempt(() => this.performCommands());
      if (this.lookAround && !this.parts.runs.stopping && !this.parts.journal.sharing.draining)
        await this.attempt(() => this.takeOver());
      await this.wake.promise;
    }
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.contact.lost(error);
      this.hasCommands = true;
      this.findStalled();
    }
  }

  private async beat(): Promise<void> {
    const { heartbeat, runs, registry } = this.parts;
    const { sharing } = this.parts.journal;
    const { nodeId: id } = sharing;
    const tasks = knownNames(registry);
    const condition = { freeSlots: runs.freeSlots, tasks, lagMs: sharing.commitLagMs };
    const standing = await heartbeat.beat(id, condition, this.contact.canTell());
    this.contact.made();
    if (!standing?.alive) {
      if (id === sharing.nodeId) await sharing.lose();
      return;
    }
    sharing.knows(standing.lastId);
    sharing.idleSlots = standing.idle;
    await this.parts.taking.follow(standing);
    for (const gone of standing.gone)
      this.logger.warn(
        `The node ${gone} was not seen for ${this.timeoutMs} ms: others go on with what it had`,
      );
    if (standing.gone.length > 0) this.findStalled();
    if (standing.requested) this.parts.requested.lookAround();
  }

  /** Gives back sub-tasks that could not be begun, and takes deliveries again when there is room. */
  private async tidyWork(): Promise<void> {
    const { runs, work } = this.parts;
    // A delivery that could not be taken on may belong to no node now.
    if (await work.giveBack()) this.findStalled();
    if (!work.isResting || runs.freeSlots === 0 || this.parts.journal.sharing.draining) return;
    work.isResting = false;
    await this.parts.taking.begin();
  }

  /** Takes over some of the work at a time, so that commands come in between. */
  private async takeOver(): Promise<void> {
    const { measures, store, takeover, waiting, work } = this.parts;
    this.lookAround = false;
    // This comes first, so that the sub-tasks of such runs are not sent again.
    await takeover.setAside();
    const stalled = await this.resendStalled();
    const { sent, buried } = await store.resendOrphans();
    reportBuried(this.logger, buried);
    const taken = await takeover.takeOver();
    measures.takeovers += taken;
    this.hasCommands = true;
    if (stalled + sent + taken === 0) {
      // Runs for which there was no room are tried again with the next beat. Notices that came meanwhile are handled at once.
      this.lookAround ||= !this.parts.runs.admission.hasRoom;
      await waiting.look();
      measures.deadLetters = await work.reportDead();
      return;
    }
    this.lookAround = true;
    this.wake.resolve(undefined);
  }

  /** Sends lost deliveries again. Repeats this until a search comes late enough to tell lost deliveries from slow ones. */
  private async resendStalled(): Promise<number> {
    const diedAt = this.deliveriesMayHaveDiedAt;
    if (diedAt === undefined) return 0;
    const canTell = performance.now() - diedAt > 2 * STALLED_MS;
    const stalled = await this.parts.store.resendStalled();
    if (stalled === 0 && canTell && this.deliveriesMayHaveDiedAt === diedAt)
      this.deliveriesMayHaveDiedAt = undefined;
    // This is repeated with the next beat.
    else this.lookAround = true;
    return stalled;
  }

  private findStalled(): void {
    this.lookAround = true;
    this.deliveriesMayHaveDiedAt = performance.now();
  }

  private async performCommands(): Promise<void> {
    const { store, runs, control } = this.parts;
    const { sharing } = this.parts.journal;
    this.hasCommands = false;
    const commands = await store.commands(sharing.nodeId, await sharing.leads());
    if (commands.length === 0) return;
    const done: number[] = [];
    for (const command of commands) {
      const isHere = command.isFinished || runs.get(command.runId) !== undefined;
      if (isHere && (await control.perform(command))) done.push(command.id);
    }
    if (done.length > 0) await store.forgetCommands(done);
    // Commands that could not be carried out yet are tried again with the next beat.
    this.hasCommands = true;
  }

  /** Called when this node was taken for dead: other nodes have taken over all that it had. */
  private beginAnew(): void {
    const { runs, work, takeover } = this.parts;
    work.clear();
    runs.leaveAll();
    takeover.clear();
    this.findStalled();
  }

  private hear(notice: Notice | undefined): void {
    const { nodeId } = this.parts.journal.sharing;
    if (notice?.[0] === 'command' && notice[1] !== '' && notice[1] !== nodeId) return;
    if (notice?.[0] === 'webhooks') return;
    if (notice?.[0] === 'requested') {
      if (notice[1] === nodeId) this.parts.requested.look();
      return;
    }
    this.hasCommands = true;
    // A command for a run that no node executes is carried out by the node that takes the run over.
    if (notice?.[0] === 'command') this.lookAround ||= notice[1] === '';
    else {
      this.findStalled();
      this.beatAtOnce.resolve(undefined);
    }
    this.wake.resolve(undefined);
  }

  private isClosing(): boolean {
    return this.closing.signal.aborted;
  }
}
