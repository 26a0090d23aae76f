import type { JsonValue } from '../core/json.js';
import { comparedKey, type AgreementPolicy } from '../run/agreement.js';

/** Finds the sub-tasks of a run under `agreement` whose results differ from the agreed one. */
export class Dissent {
  private readonly said = new Map<string, string | undefined>();
  private agreed: string | undefined;

  constructor(private readonly policy: AgreementPolicy) {}

  /** @returns whether it is known that the sub-task dissents */
  succeeded(subTask: string, result: JsonValue): boolean {
    const key = comparedKey(this.policy, result);
    if (this.agreed !== undefined) return key !== this.agreed;
    this.said.set(subTask, key);
    return false;
  }

  /** The sub-tasks with other results before the reply. @param result of the reply */
  agreedOn(result: JsonValue): string[] {
    this.agreed = comparedKey(this.policy, result);
    return [...this.said].flatMap(([subTask, key]) => (key === this.agreed ? [] : [subTask]));
  }
}
