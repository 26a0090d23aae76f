import fc from 'fast-check';
import { jsonTexts } from './hostile-texts.ts';

/** JSON text that is hard to read, or is none. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...jsonTexts) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.nat({ max: 0xff_ff }), { maxLength: 10 })
      .map((units) => JSON.stringify(String.fromCharCode(...units))),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)) },
);

/** A change at one place of a JSON value; places are counted in the order of the text. */
interface Edit {
  readonly place: number;
  readonly how: 'replace' | 'add' | 'repeat' | 'drop' | 'rename';
  readonly text: string;
  readonly key: string;
}

const hostileKeys = ['"__proto__"', '"constructor"', '""', '"\\ud800"', 'reply', '"a'];

/**
 * JSON text of the values, each changed in a place or two.
 *
 * @param names names of members that mean something in them
 */
export function nearlyValidJson(
  values: fc.Arbitrary<unknown>,
  names: readonly string[],
): fc.Arbitrary<string> {
  const edits: fc.Arbitrary<Edit> = fc.record({
    place: fc.oneof(fc.constant(0), fc.nat({ max: 8 })),
    how: fc.constantFrom('replace', 'add', 'repeat', 'drop', 'rename'),
    text: hostileJson,
    key: fc.constantFrom(...names.map((name) => JSON.stringify(name)), ...hostileKeys),
  });
  return fc
    .tuple(values, fc.array(edits, { minLength: 1, maxLength: 2 }))
    .map(([value, edits]) => new EditedText(edits).print(value));
}

class EditedText {
  private places = 0;

  constructor(private readonly edits: readonly Edit[]) {}

  print(value: unknown): string {
    const edit = this.next();
    if (edit?.how === 'replace') return edit.text;
    if (Array.isArray(value)) return `[${value.map((item) => this.print(item)).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value).flatMap(([key, item]) => this.members(JSON.stringify(key), item));
    if (edit?.how === 'add') members.push(`${edit.key}:${edit.text}`);
    return `{${members.join(',')}}`;
  }

  private members(key: string, value: unknown): string[] {
    const edit = this.next();
    const member = `${key}:${this.print(value)}`;
    switch (edit?.how) {
      case 'drop':
        return [];
      case 'repeat':
        return [member, `${key}:${edit.text}`];
      case 'rename':
        return [`${edit.key}:${this.print(value)}`];
      default:
        return [member];
    }
  }

  private next(): Edit | undefined {
    const place = this.places++;
    return this.edits.find((edit) => edit.place === place);
  }
}
