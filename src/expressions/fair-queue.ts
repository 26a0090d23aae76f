import Queue from 'yocto-queue';

/** Length of an owner's turn while others wait, in milliseconds. */
const TURN_MS = 100;

/** A queue in which owners take turns of equal time. An owner with many slow jobs delays the others by one job at most. */
export class FairQueue<Job> {
  /** The queues of owners. The first one has its turn now, or next. */
  private readonly queues = new Map<object, Queue<Job>>();
  private turnOf: object | undefined;
  private turnEnds = 0;

  enqueue(owner: object, job: Job): void {
    let queue = this.queues.get(owner);
    if (!queue) this.queues.set(owner, (queue = new Queue()));
    queue.enqueue(job);
  }

  dequeue(): Job | undefined {
    const now = performance.now();
    let [first] = this.queues;
    if (first && first[0] === this.turnOf && now >= this.turnEnds) {
      this.moveToEnd(...first);
      [first] = this.queues;
    }
    if (!first) return undefined;
    const [owner, queue] = first;
    if (owner !== this.turnOf) {
      this.turnOf = owner;
      this.turnEnds = now + TURN_MS;
    }
    const job = queue.dequeue();
    if (queue.size === 0) this.queues.delete(owner);
    return job;
  }

  get isEmpty(): boolean {
    return this.queues.size === 0;
  }

  private moveToEnd(owner: object, queue: Queue<Job>): void {
    this.queues.delete(owner);
    this.queues.set(owner, queue);
  }
}
