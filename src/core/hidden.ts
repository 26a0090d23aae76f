/** A secret text. Printing an object that holds the text, or turning it into JSON, doesn't show the text. */
export class Hidden {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }
}
