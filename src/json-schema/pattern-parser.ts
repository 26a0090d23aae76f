/** A state of a pattern's automaton: what it accepts, and where it leads. */
export interface State {
  readonly id: number;
  /** The characters that lead to `next`. Without it, `next` is reached without a character. */
  readonly takes?: RegExp;
  /** What must be true of the place in the text: its beginning or end, or a word's. */
  readonly asserts?: Assertion;
  readonly next: State[];
}

type Assertion = '^' | '$' | 'b' | 'B';

/** Thrown for a pattern that can't be matched in linear time. The message says which part. */
class PatternError extends Error {
  override name = 'PatternError';
}

/** Most states of an automaton. A repeated part counts as often as it may be repeated. */
const MAX_STATES = 2_000;

/** Parts of an automaton that begin at `start` and go on at `end`, which leads nowhere yet. */
interface Fragment {
  readonly start: State;
  readonly end: State;
}

/** One character of a pattern: a class, an escape, or itself. A surrogate pair counts as one. */
const ATOM =
  /\[(?:\\.|[^\]\\])*\]|\\(?:u\{[^}]*\}|ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2}|u.{4}|x..|c.|[pP]\{[^}]*\}|.)|./isuy;
const GROUP = /\((?:\?:|\?<(?![=!])[^>]*>|(?!\?))/y;
const REPETITION = /(?:([*+?])|\{(\d+)(,(\d*))?\})\??/y;

/**
 * Makes the automaton of a regular expression, of the syntax that ECMA-262 has with the flag `u`.
 *
 * @param pattern which `new RegExp(pattern, 'u')` takes
 * @throws {PatternError} for what refers to itself or looks around, and for one that is too large
 */
export class PatternParser {
  readonly start: State;
  readonly end: State;
  private at = 0;
  private states = 0;

  constructor(private readonly pattern: string) {
    ({ start: this.start, end: this.end } = this.alternatives());
  }

  private alternatives(): Fragment {
    const start = this.state();
    const end = this.state();
    do {
      const { start: first, end: last } = this.sequence();
      start.next.push(first);
      last.next.push(end);
    } while (this.skip('|'));
    return { start, end };
  }

  private sequence(): Fragment {
    const start = this.state();
    let end = start;
    while (this.at < this.pattern.length && !'|)'.includes(this.pattern.charAt(this.at))) {
      const part = this.repeated();
      end.next.push(part.start);
      end = part.end;
    }
    return { start, end };
  }

  /** Parses a repeated part once for each repetition, so that it becomes as many fragments. */
  private repeated(): Fragment {
    const from = this.at;
    const once = this.part();
    const [, sign, least, comma, most] = this.match(REPETITION) ?? [];
    if (sign === undefined && least === undefined) return once;
    const behind = this.at;
    const min = least === undefined ? Number(sign === '+') : Number(least);
    const endless = sign === undefined ? comma !== undefined && most === '' : sign !== '?';
    const max = sign === '?' ? 1 : Number(comma === undefined ? least : most);
    const start = this.state();
    const end = this.state();
    let last = start;
    for (let count = 0; count < (endless ? Math.max(min, 1) : max); count += 1) {
      if (count > 0) this.at = from;
      const { start: first, end: then } = count > 0 ? this.part() : once;
      last.next.push(first);
      if (count >= min) last.next.push(end);
      last = then;
      if (endless && count + 1 >= min) last.next.push(first);
    }
    last.next.push(end);
    this.at = behind;
    return { start, end };
  }

  private part(): Fragment {
    if (this.match(GROUP)) {
      const group = this.alternatives();
      this.skip(')');
      return group;
    }
    if (this.pattern.startsWith('(', this.at))
      throw new PatternError('looks around, or changes the flags; write it without (?');
    const [text = ''] = this.match(ATOM) ?? [];
    if (/^\\(?:[1-9]|k)/.test(text))
      throw new PatternError('refers to what a group has matched; write it without');
    const end = this.state();
    return { start: this.state(what(text), [end]), end };
  }

  private state(kind: Pick<State, 'takes' | 'asserts'> = {}, next: State[] = []): State {
    this.states += 1;
    if (this.states > MAX_STATES)
      throw new PatternError(`is too large, counting each repetition: it takes ${MAX_STATES} steps at most`);
    return { id: this.states, ...kind, next };
  }

  private match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.at;
    const found = expression.exec(this.pattern) ?? undefined;
    this.at += found?.[0].length ?? 0;
    return found;
  }

  private skip(text: string): boolean {
    const isThere = this.pattern.startsWith(text, this.at);
    if (isThere) this.at += text.length;
    return isThere;
  }
}

function what(text: string): Pick<State, 'takes' | 'asserts'> {
  if (text === '^' || text === '$') return { asserts: text };
  if (text === String.raw`\b` || text === String.raw`\B`)
    return { asserts: text === String.raw`\b` ? 'b' : 'B' };
  return { takes: new RegExp(`^${text}$`, 'u') };
}
