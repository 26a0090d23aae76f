import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml';
import { MAX_DEPTH, type JsonValue } from '../core/json.js';
import { pathText, type Mistake, type Path } from './mistake.js';

/** How many values a file may hold, where each alias counts as what it stands for: a few lines could stand for billions. */
const MAX_VALUES = 50_000;

/** Tags that say no more than YAML 1.2 says without them. */
const CORE_TAGS = /^(!|tag:yaml\.org,2002:(map|seq|str|null|bool|int|float))$/;

/**
 * A YAML 1.2 or JSON text as JSON holds it, with the place of each value. What JSON can't hold, and what other readers
 * of YAML would take for something else, is a mistake: tags, merge keys, keys that stand twice, endless numbers.
 */
export class YamlSource {
  readonly mistakes: Mistake[] = [];
  /** Undefined when the text can't be read at all; `mistakes` says why. */
  readonly value: JsonValue | undefined;
  private readonly lines = new LineCounter();
  private readonly values = new Map<string, number>();
  private readonly keys = new Map<string, number>();
  private readonly anchors = new Map<string, Node>();
  private readonly targets = new Map<Alias, Node | undefined>();
  private readonly noted = new Set<string>();
  private count = 0;

  constructor(text: string) {
    const document = parseDocument(text, {
      lineCounter: this.lines,
      logLevel: 'error',
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
    });
    this.mistakes.push(...this.syntaxMistakes(document));
    if (this.mistakes.length > 0) return;
    if (!document.contents)
      this.note([], 'holds nothing; it takes tasks:, and below it each task by its name');
    else this.value = this.read(document.contents, [], []);
  }

  /** Notes a mistake in the value at a path; where there is none, in what it is missing from. */
  note(path: Path, message: string): void {
    this.add(this.mistakeAt(path, message));
  }

  mistakeAt(path: Path, message: string): Mistake {
    return { ...this.place(path), path, message };
  }

  /** Notes a mistake in the name of a member. */
  noteKey(path: Path, message: string): void {
    this.add({ ...this.at(this.keys.get(pathText(path)) ?? 0), path, message });
  }

  /** One mistake is enough of a value: what else is said of it mostly follows from the first. */
  private add(mistake: Mistake): void {
    const name = pathText(mistake.path);
    if (this.noted.has(name)) return;
    this.noted.add(name);
    this.mistakes.push(mistake);
  }

  private place(path: Path): Pick<Mistake, 'line' | 'column'> {
    const known = this.values.get(pathText(path));
    if (known !== undefined) return this.at(known);
    let parent = path.slice(0, -1);
    while (!this.values.has(pathText(parent)) && parent.length > 0) parent = parent.slice(0, -1);
    const name = pathText(parent);
    return this.at(this.keys.get(name) ?? this.values.get(name) ?? 0);
  }

  private at(offset: number): Pick<Mistake, 'line' | 'column'> {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  private syntaxMistakes({ errors, directives }: Pick<Document, 'errors' | 'directives'>): Mistake[] {
    if (directives?.yaml.version === '1.1')
      return [
        { line: 1, column: 1, path: [], message: 'is YAML 1.1; take %YAML 1.1 out: it takes YAML 1.2' },
      ];
    const deep = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
    return (deep ? [deep] : errors).map(({ code, message, pos: [offset] }) => {
      const messages: Partial<Record<string, string>> = {
        RESOURCE_EXHAUSTION: TOO_DEEP,
        MULTIPLE_DOCS: 'is a second document; put all tasks into one',
        NON_STRING_KEY: 'takes a text as the name of a member',
      };
      return { ...this.at(offset), path: [], message: messages[code] ?? message };
    });
  }

  private read(node: Node | null, path: Path, open: readonly Node[]): JsonValue {
    const place = node?.range?.[0];
    // What an alias stands for is where its anchor is.
    if (place !== undefined) this.values.set(pathText(path), place);
    if (!node || this.isTooMuch(path, open)) return null;
    if (isAlias(node)) return this.readAlias(node, path, open);
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node);
    if (node.tag !== undefined && !CORE_TAGS.test(node.tag)) {
      this.note(path, `has the tag ${node.tag}; take it out: it takes what JSON can hold`);
      return null;
    }
    const inside = [...open, node];
    if (isMap(node)) return this.readMap(node.items as Pair<Scalar, Node | null>[], path, inside);
    if (isSeq(node))
      return node.items.map((item, index) => this.read(item as Node | null, [...path, index], inside));
    return isScalar(node) ? this.readScalar(node.value, path) : null;
  }

  private readMap(
    items: readonly Pair<Scalar, Node | null>[],
    path: Path,
    inside: readonly Node[],
  ): JsonValue {
    const members = new Map<string, JsonValue>();
    for (const { key, value } of items) {
      const name = String(key.value);
      const below = [...path, name];
      const first = members.has(name) ? this.keys.get(pathText(below)) : undefined;
      if (first !== undefined) {
        const message = `stands twice, first in line ${this.at(first).line}; remove one`;
        this.add({ ...this.at(key.range?.[0] ?? 0), path: below, message });
        continue;
      }
      this.keys.set(pathText(below), key.range?.[0] ?? 0);
      if (name === '__proto__') this.noteKey(below, 'is a name that nothing may have');
      else if (name === '<<' && key.type === 'PLAIN')
        this.noteKey(
          below,
          'is no merge here: YAML 1.2 has none; write the members out, or use an alias for all of them',
        );
      else members.set(name, this.read(value, below, inside));
    }
    return Object.fromEntries(members);
  }

  private readAlias(alias: Alias, path: Path, open: readonly Node[]): JsonValue {
    if (!this.targets.has(alias)) this.targets.set(alias, this.anchors.get(alias.source));
    const target = this.targets.get(alias);
    if (target && !open.includes(target)) return this.read(target, path, open);
    this.note(
      path,
      target
        ? `stands within &${alias.source}, which it refers to; write the value out`
        : `refers to &${alias.source}, which doesn’t stand before it; name an anchor that does`,
    );
    return null;
  }

  private readScalar(value: unknown, path: Path): JsonValue {
    if (
      typeof value === 'number' &&
      !(Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value))
    )
      this.note(path, 'is a number that JSON can’t hold exactly; quote it to make it a text');
    return value as JsonValue;
  }

  private isTooMuch(path: Path, open: readonly Node[]): boolean {
    this.count += 1;
    if (this.count === MAX_VALUES + 1)
      this.note(
        path,
        `is one value too many, counting each alias as what it stands for: it takes ${MAX_VALUES}`,
      );
    if (open.length > MAX_DEPTH && this.count <= MAX_VALUES) this.note(path, TOO_DEEP);
    return this.count > MAX_VALUES || open.length > MAX_DEPTH;
  }
}

const TOO_DEEP = `is nested too deeply; it takes at most ${MAX_DEPTH} levels`;
