/** A change to the built service that breaks one of its promises, so that the harness must fail. */
interface Fault {
  readonly about: string;
  /** The file in `dist`. */
  readonly file: string;
  /** Each stands in the file once. */
  readonly changes: readonly { readonly from: string; readonly to: string }[];
}

export const faults = {
  'reply-before-commit': {
    about: 'events are published, and so replies sent, 100 ms before they are committed',
    file: 'journal/group-commit.js',
    changes: [
      {
        from: `const { committed } = this.current;`,
        to: `const { committed } = this.current;
        const appended = this.current.events.at(-1);
        queueMicrotask(() => this.log.bus.publish([appended]));`,
      },
      { from: `const group = this.current;`, to: `await delay(100); const group = this.current;` },
      { from: `this.log.publish(group);`, to: `this.log.lastId = group.rows.lastId;` },
    ],
  },
  'fencing-off': {
    about: 'the result of an attempt that was given up counts as well',
    file: 'engine/sub-task-execution.js',
    changes: [
      {
        from: `if (attempt === this.current)
                this.returned(result);`,
        to: `this.returned(result);`,
      },
    ],
  },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;

/** The code with the fault in it. @throws Error when the code is not what the fault was made for */
export function breakCode(name: FaultName, code: string): string {
  const { file, changes } = faults[name];
  return changes.reduce((broken, { from, to }) => {
    const parts = broken.split(from);
    if (parts.length === 2) return parts.join(to);
    throw new Error(`${name} changes what ${file} has ${String(parts.length - 1)} times, not once: ${from}`);
  }, code);
}
