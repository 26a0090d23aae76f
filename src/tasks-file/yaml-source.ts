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
import { aliasTargets } from './alias-targets.js';
import { pathText, type Mistake, type Path, type Place } from './mistake.js';

/** Most values in a file. An alias counts as all values that it refers to: a few lines could stand for billions of values. */
const MAX_VALUES = 50_000;

/** Tags that add nothing to YAML 1.2's own rules. */
const CORE_TAGS = /^(!|tag:yaml\.org,2002:(map|seq|str|null|bool|int|float))$/;

/**
 * A YAML 1.2 or JSON text as a JSON value, with the place of each value in the file. Merge keys (`<<`) are resolved. Members of the file
 * whose names begin with `x-` are left out. Anything that JSON can't represent, or that other readers of YAML would read differently, is
 * a mistake: tags, repeated keys, infinite numbers.
 */
export class YamlSource {
  readonly mistakes: Mistake[] = [];
  /** Undefined when the text can't be read at all; `mistakes` says why. */
  readonly value: JsonValue | undefined;
  private readonly lines = new LineCounter();
  private readonly values = new Map<string, number>();
  private readonly keys = new Map<string, number>();
  private targets: ReadonlyMap<Alias, Node> = new Map();
  /** The real paths of inherited values, by the paths where they are used. */
  private readonly origins = new Map<string, Path>();
  private readonly noted = new Set<string>();
  private count = 0;

  constructor(
    readonly file: string,
    text: string,
  ) {
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
    else {
      this.targets = aliasTargets(document);
      this.value = this.read(document.contents, [], []);
    }
  }

  /** Declares that the value at a path was taken from another path. Its mistakes are reported there. */
  inherit(path: Path, from: Path): void {
    this.origins.set(pathText(path), from);
  }

  /** Reports a mistake in the value at a path. If the value is missing, reports it for the value that should have it. */
  note(path: Path, message: string): void {
    const inherited = this.originOf(path) !== path;
    this.add(this.mistakeAt(path, inherited ? `${message} (for ${pathText(path)})` : message));
  }

  mistakeAt(path: Path, message: string): Mistake {
    const origin = this.originOf(path);
    return { ...this.place(origin), path: origin, message };
  }

  /** Notes a mistake in the name of a member. */
  noteKey(path: Path, message: string): void {
    const origin = this.originOf(path);
    this.add({ ...this.at(this.keys.get(pathText(origin)) ?? 0), path: origin, message });
  }

  /** The line of a member's name. */
  lineOf(path: Path): number {
    return this.at(this.keys.get(pathText(path)) ?? 0).line;
  }

  /**
   * Reports only one mistake for a value, because further ones mostly follow from the first. A value that aliases and merges repeat also
   * gets only one.
   */
  private add(mistake: Mistake): void {
    const { line, column, path, message } = mistake;
    const names = [pathText(path), `${line}:${column} ${String(path.at(-1))}: ${message}`];
    if (names.some((name) => this.noted.has(name))) return;
    for (const name of names) this.noted.add(name);
    this.mistakes.push(mistake);
  }

  private originOf(path: Path): Path {
    for (let length = path.length; length > 0 && this.origins.size > 0; length -= 1) {
      const origin = this.origins.get(pathText(path.slice(0, length)));
      if (origin) return [...origin, ...path.slice(length)];
    }
    return path;
  }

  private place(path: Path): Place {
    const known = this.values.get(pathText(path));
    if (known !== undefined) return this.at(known);
    let parent = path.slice(0, -1);
    while (!this.values.has(pathText(parent)) && parent.length > 0) parent = parent.slice(0, -1);
    const name = pathText(parent);
    return this.at(this.keys.get(name) ?? this.values.get(name) ?? 0);
  }

  private at(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  private syntaxMistakes({ errors, directives }: Pick<Document, 'errors' | 'directives'>): Mistake[] {
    if (directives?.yaml.version === '1.1')
      return [{ ...this.at(0), path: [], message: 'is YAML 1.1; take %YAML 1.1 out: it takes YAML 1.2' }];
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
    // The place of an alias's value is that of its anchor.
    if (place !== undefined) this.values.set(pathText(path), place);
    if (!node || this.isTooMuch(path, open)) return null;
    if (isAlias(node)) return this.readAlias(node, path, open);
    if (node.tag !== undefined && !CORE_TAGS.test(node.tag)) {
      this.note(path, `has the tag ${node.tag}; take it out: it takes what JSON can hold`);
      return null;
    }
    const inside = [...open, node];
    if (isMap(node)) return this.readMap(node.items as Members, path, inside);
    if (isSeq(node))
      return node.items.map((item, index) => this.read(item as Node | null, [...path, index], inside));
    return isScalar(node) ? this.readScalar(node.value, path) : null;
  }

  private readMap(items: Members, path: Path, inside: readonly Node[]): JsonValue {
    const members = new Map<string, JsonValue>();
    const keys = new Map<string, number>();
    const merges: (Node | null)[] = [];
    for (const { key, value } of items) {
      const name = String(key.value);
      const below = [...path, name];
      const offset = key.range?.[0] ?? 0;
      const first = keys.get(name);
      if (first !== undefined) {
        const message = `stands twice, first in line ${this.at(first).line}; remove one`;
        this.add({ ...this.at(offset), path: below, message });
        continue;
      }
      keys.set(name, offset);
      this.keys.set(pathText(below), offset);
      if (name === '__proto__') {
        this.noteKey(below, 'is a name that nothing may have');
        continue;
      }
      const read = this.read(value, below, inside);
      if (isMerge(key)) merges.push(value);
      else if (path.length > 0 || !name.startsWith('x-')) members.set(name, read);
    }
    for (const value of merges) this.merge(value, path, inside, members);
    return Object.fromEntries(members);
  }

  /** Adds the members of `<<` that a map doesn't have itself. If several maps have a member, the first one counts. */
  private merge(
    node: Node | null,
    path: Path,
    inside: readonly Node[],
    members: Map<string, JsonValue>,
  ): void {
    const source = isAlias(node) ? this.targets.get(node) : node;
    if (source === undefined || (source && inside.includes(source)) || this.isTooMuch(path, inside)) return;
    const within = source ? [...inside, source] : inside;
    if (isSeq(source))
      for (const item of source.items) this.merge(item as Node | null, path, within, members);
    else if (isMap(source)) {
      const items = source.items as Members;
      for (const { key, value } of items) {
        const name = String(key.value);
        const below = [...path, name];
        if (isMerge(key) || name === '__proto__' || members.has(name)) continue;
        this.keys.set(pathText(below), key.range?.[0] ?? 0);
        members.set(name, this.read(value, below, within));
      }
      for (const { key, value } of items) if (isMerge(key)) this.merge(value, path, within, members);
    } else this.note([...path, '<<'], 'takes an alias of members, or a list of such aliases');
  }

  private readAlias(alias: Alias, path: Path, open: readonly Node[]): JsonValue {
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

type Members = readonly Pair<Scalar, Node | null>[];

function isMerge({ value, type }: Scalar): boolean {
  return value === '<<' && type === 'PLAIN';
}

const TOO_DEEP = `is nested too deeply; it takes at most ${MAX_DEPTH} levels`;
