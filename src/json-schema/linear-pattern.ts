import { effort } from './effort.js';
import { PatternParser, type State } from './pattern-parser.js';

/** The kind of character before a position in a text. */
type Before = 'nothing' | 'word' | 'other';

/** Where the automaton may be in a text, and where each character leads from there; the end of the text is one, too. */
interface Place {
  readonly states: readonly State[];
  readonly before: Before;
  readonly next: Map<number, Place>;
}

/** Most cached positions and transitions. Beyond that the cache is emptied, because texts can make new ones without end. */
const MAX_KNOWN = 20_000;
/** The end of the text, among the code points. */
const END = -1;

const FITS: Place = { states: [], before: 'other', next: new Map() };

/**
 * A regular expression that takes a time proportional to the text, whatever both are: Thompson's automaton, made deterministic as far
 * as texts need it. Node's own engine tries one way after the other: of n characters there may be 2ⁿ.
 */
export class LinearPattern {
  private readonly start: State;
  private readonly end: State;
  private readonly places = new Map<string, Place>();
  private known = 0;

  /**
   * @throws {SyntaxError} for what is no regular expression of ECMA-262 with the flag `u`
   * @throws {PatternError} for one that can't be matched so
   */
  constructor(private readonly pattern: string) {
    new RegExp(pattern, 'u');
    ({ start: this.start, end: this.end } = new PatternParser(pattern));
  }

  /** Whether any part of a text fits. @throws {EffortError} */
  test(text: string): boolean {
    effort.spend(text.length >> 4);
    let place = this.place([], 'nothing');
    for (let at = 0; at <= text.length && place !== FITS;) {
      const code = text.codePointAt(at) ?? END;
      place = place.next.get(code) ?? this.learn(place, code);
      at += code > 0xffff ? 2 : 1;
    }
    return place === FITS;
  }

  /** Ajv distinguishes patterns by this text. */
  toString(): string {
    return `/${this.pattern}/u`;
  }

  private learn(place: Place, code: number): Place {
    if (++this.known > MAX_KNOWN) {
      this.known = 0;
      this.places.clear();
      place.next.clear();
    }
    const next = this.step(place, code);
    place.next.set(code, next);
    return next;
  }

  private step({ states, before }: Place, code: number): Place {
    const reached = this.reached([...states, this.start], before, code);
    effort.spend(reached.size);
    if (reached.has(this.end)) return FITS;
    if (code === END) return this.place([], 'nothing');
    const character = String.fromCodePoint(code);
    const next = [...reached].filter(({ takes }) => takes?.test(character)).flatMap((state) => state.next);
    return this.place(next, isWord(code) ? 'word' : 'other');
  }

  /** The states that are reached from some states without a character, at a position between two characters. */
  private reached(states: State[], before: Before, code: number): Set<State> {
    const reached = new Set<State>();
    for (let state = states.pop(); state; state = states.pop()) {
      if (reached.has(state)) continue;
      reached.add(state);
      if (state.takes === undefined && holds(state, before, code)) states.push(...state.next);
    }
    return reached;
  }

  private place(states: readonly State[], before: Before): Place {
    const ids = [...new Set(states.map(({ id }) => id))].sort((a, b) => a - b);
    const name = `${before} ${ids.join()}`;
    let place = this.places.get(name);
    if (!place) this.places.set(name, (place = { states, before, next: new Map() }));
    return place;
  }
}

function holds({ asserts }: State, before: Before, code: number): boolean {
  if (asserts === undefined) return true;
  if (asserts === '^') return before === 'nothing';
  if (asserts === '$') return code === END;
  return ((before === 'word') !== isWord(code)) === (asserts === 'b');
}

function isWord(code: number): boolean {
  return code !== END && /\w/.test(String.fromCodePoint(code));
}
