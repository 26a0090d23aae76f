/** The `when` of a sub-task: whether the sub-task is eligible for a run with a given input. */
export interface Condition {
  /** The expression in a tasks file, which is evaluated where its time is bounded. Undefined for a function in code. */
  readonly text: string | undefined;
  /** @throws whatever the condition throws */
  holds(input: unknown): boolean | Promise<boolean>;
}
