/** A change to the built service that breaks one of its promises, so that the harness must fail. */
interface Fault {
  readonly about: string;
  /** In files of `dist`; each stands in its file once. */
  readonly changes: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

export const faults = {
  'reply-before-commit': {
    about: 'runs are told of their events, and so send replies, a second before they are committed',
    changes: [
      {
        file: 'journal/group-commit.js',
        from: `this.writing ??= this.writeAll();`,
        to: `this.writing ??= this.writeAll();
        const last = this.current.entries.at(-1);
        if (last) queueMicrotask(() => last.run.committed(last.event));`,
      },
      {
        file: 'journal/group-commit.js',
        from: `const group = this.current;`,
        to: `await delay(1_000); const group = this.current;`,
      },
    ],
  },
  'fencing-off': {
    about: 'the result of an attempt that was given up counts as well',
    changes: [
      {
        file: 'run/attempts.js',
        from: `if (attempt !== this.current)
            return;
        let result;`,
        to: `let result;`,
      },
    ],
  },
  'cursor-ahead': {
    about: 'the cursor of a webhook is settled before the deliveries behind it have ended',
    changes: [
      {
        file: 'webhooks/settlements.js',
        from: `return first ? first.about.event - 1 : this.log.upTo;`,
        to: `return this.log.upTo;`,
      },
    ],
  },
  'deliveries-not-in-order': {
    about: 'an event is delivered while an earlier one of its run is under way',
    changes: [{ file: 'webhooks/deliveries.js', from: `lane.push(delivery);`, to: `this.submit(delivery);` }],
  },
  'deliveries-not-kept': {
    about: 'what is to be delivered later is not recorded',
    changes: [{ file: 'webhooks/unsettled.js', from: `, ...this.rows.values()];`, to: `];` }],
  },
  'wrong-body-signed': {
    about: 'a delivery is signed as an event, whatever its body is',
    changes: [
      {
        file: 'webhooks/sender.js',
        from: `this.signatures.headers(secrets, message.id, this.journal.now(), body)`,
        to: `this.signatures.headers(secrets, message.id, this.journal.now(), message.body)`,
      },
    ],
  },
  'chunks-before-commit': {
    about: 'readers of streams are told of chunks a while before these are committed',
    changes: [
      {
        file: 'journal/group-commit.js',
        from: `if (!(await this.write(group)))`,
        to: `const early = group.entries.filter(({ event }) => event.type === 'sub-task.streamed');
            if (early.length > 0) {
                this.log.bus.publish(early);
                await delay(1_000);
            }
            if (!(await this.write(group)))`,
      },
      // Else readers that have heard of such chunks wait until the journal has them.
      {
        file: 'feed/run-stream.js',
        from: ` && this.heard <= page.next;`,
        to: `;`,
      },
    ],
  },
  'last-chunks-again': {
    about: 'who reads on in a stream is told the last chunks again',
    changes: [
      { file: 'feed/stream-messages.js', from: `event.id > this.after`, to: `event.id >= this.after` },
    ],
  },
  'restart-untold': {
    about: 'chunks of another attempt follow those of one that broke off, and nobody says so',
    changes: [{ file: 'feed/stream-messages.js', from: `isRestart ?`, to: `false ?` }],
  },
} as const satisfies Readonly<Record<string, Fault>>;

/** What breaks the promises of nodes that share a journal. */
export const clusterFaults = {
  'reply-before-shared-commit': {
    about: 'a node takes its events for committed, and so replies, a second before they are',
    changes: [
      {
        file: 'journal/postgres/postgres-journal.js',
        from: `this.groups.waiting.add(run, event, fenced);`,
        to: `this.groups.waiting.add(run, event, fenced);
        const id = (this.earlyId = (this.earlyId ?? 2 ** 50) + 1);
        const early = { ...event, id, time: new Date().toISOString() };
        queueMicrotask(() => run.committed(early));`,
      },
      {
        file: 'journal/postgres/postgres-log.js',
        from: `const committed = await this.writer.commit(`,
        to: `await new Promise((resolve) => setTimeout(resolve, 1_000));
        const committed = await this.writer.commit(`,
      },
    ],
  },
  'retries-told-early': {
    about:
      'a node tells that a sub-task is retried a second before it does so, whether its run ends meanwhile or not',
    changes: [
      {
        file: 'tasks/run-control.js',
        from: `if (!run.retry(name, key, clause))
            return undefined;`,
        to: `setTimeout(() => run.retry(name, key, clause), 1_000);
        return { run: record, isDone: true };`,
      },
    ],
  },
  'attempts-not-fenced': {
    about: 'what is reported of a sub-task that left its node counts, whatever was recorded of it meanwhile',
    changes: [
      {
        file: 'journal/postgres/postgres-commit-function.js',
        from: `refused := refused || at;`,
        to: `NULL;`,
      },
    ],
  },
  'nodes-not-fenced': {
    about: 'a node that was taken for dead may commit all the same',
    changes: [
      {
        file: 'journal/postgres/postgres-commit-function.js',
        from: `RAISE EXCEPTION 'the node was taken for dead' USING ERRCODE = 'FR001';`,
        to: `NULL;`,
      },
      {
        file: 'journal/postgres/postgres-commit-function.js',
        from: `RETURN;`,
        to: `IF first_id IS NOT NULL THEN RETURN; END IF;`,
      },
      // Else what it says of its runs is refused, once another node has them.
      {
        file: 'journal/postgres/postgres-commit-function.js',
        from: `IF cardinality(lost) > 0 THEN`,
        to: `IF false THEN`,
      },
      { file: 'cluster/cluster-node.js', from: `if (!standing?.alive)`, to: `if (!standing)` },
    ],
  },
  'last-chunks-again': faults['last-chunks-again'],
  'restart-untold': faults['restart-untold'],
  'lead-outlives-takeover': {
    about: 'a stream leads on that began anew on another node',
    changes: [{ file: 'core/stream-lead.js', from: `event.type === 'sub-task.started'`, to: `false` }],
  },
} as const satisfies Readonly<Record<string, Fault>>;

const allFaults: Readonly<Record<FaultName | ClusterFaultName, Fault>> = { ...faults, ...clusterFaults };

export type FaultName = keyof typeof faults;
export type ClusterFaultName = keyof typeof clusterFaults;

/** The files in `dist` that a fault is in. */
export function brokenFiles(name: FaultName | ClusterFaultName): string[] {
  return [...new Set(allFaults[name].changes.map(({ file }) => file))];
}

/** The code of a file with the fault in it. @throws Error when the code is not what the fault was made for */
export function breakCode(name: FaultName | ClusterFaultName, file: string, code: string): string {
  const changes = allFaults[name].changes.filter((change) => change.file === file);
  return changes.reduce((broken, { from, to }) => {
    const parts = broken.split(from);
    if (parts.length === 2) return parts.join(to);
    throw new Error(`${name} changes what ${file} has ${String(parts.length - 1)} times, not once: ${from}`);
  }, code);
}
