/** Whether a sub-task is eligible for a run, by its input: what `when` declares. */
export interface Condition {
  /** As a file has it, which is evaluated where its time is bounded; undefined for a function of the code. */
  readonly text: string | undefined;
  /** @throws whatever the condition does */
  holds(input: unknown): boolean | Promise<boolean>;
}
