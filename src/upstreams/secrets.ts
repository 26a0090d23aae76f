/** Shorter values are not treated as secrets: they occur in too many texts by chance. */
const LEAST_LENGTH = 4;

/** Values from the environment that nobody may be told, even when an upstream echoes them. */
export class Secrets {
  private readonly forms: readonly string[];

  constructor(values: readonly string[]) {
    const secret = values.filter((value) => value.length >= LEAST_LENGTH);
    const forms = secret.flatMap(formsOf);
    // The longest come first, because one may contain another.
    this.forms = [...new Set(forms)].sort((a, b) => b.length - a.length);
  }

  /** A text without the secrets, including one that is cut off at the text's end. */
  redact(text: string): string {
    if (this.forms.length === 0) return text;
    let clean = text;
    for (const form of this.forms) clean = clean.replaceAll(form, '[redacted]');
    for (const form of this.forms) {
      for (let length = Math.min(form.length - 1, clean.length); length >= LEAST_LENGTH; length -= 1) {
        if (clean.endsWith(form.slice(0, length))) clean = `${clean.slice(0, -length)}[redacted]`;
      }
    }
    return clean;
  }
}

/** A value unchanged, and in the forms in which others may echo it: in JSON (by PHP, .NET or Go), and percent-encoded. */
function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const encoded = [encodeURIComponent(value), new URLSearchParams([['', value]]).toString().slice(1)];
  return [
    value,
    json,
    json.replaceAll('/', String.raw`\/`),
    value.replaceAll('\\', '\\\\').replaceAll(/["&'+<>`]/g, (char) => `\\u${hexOf(char).toUpperCase()}`),
    json.replaceAll(/[&<>]/g, (char) => `\\u${hexOf(char)}`),
    ...encoded,
    ...encoded.map((text) => text.replaceAll(/%../g, (code) => code.toLowerCase())),
  ];
}

function hexOf(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(4, '0');
}
