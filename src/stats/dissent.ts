import type { JsonValue } from '../core/json.js';
import { comparedKey, type AgreementPolicy } from '../run/agreement.js';

/** Who of a run under `agreement` says something else than what was agreed on. */
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

  /** The sub-tasks that had said something else before the reply. @param result of the reply */
  agreedOn(result: JsonValue): string[] {
    this.agreed = comparedKey(this.policy, result);
    return [...this.said].flatMap(([subTask, key]) => (key === this.agreed ? [] : [subTask]));
  }
}
