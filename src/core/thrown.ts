/** The message of any thrown value. Never throws, even if a getter, proxy or toString method of the value does. */
export function textOf(thrown: unknown): string {
  try {
    const text =
      thrown instanceof Error ? thrown.message || thrown.name : `${typeof thrown}: ${String(thrown)}`;
    return text.toWellFormed();
  } catch {
    return 'something that has no text';
  }
}

/** The stack trace of a thrown value, for the log; undefined where it has none. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    return thrown instanceof Error ? String(thrown.stack) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a thrown value is an instance of one of the classes. False where the check itself throws. */
export function isOneOf(
  thrown: unknown,
  classes: readonly (abstract new (...args: never[]) => Error)[],
): boolean {
  try {
    return classes.some((type) => thrown instanceof type);
  } catch {
    return false;
  }
}
