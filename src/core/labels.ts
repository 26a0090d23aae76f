/** Labels by which a caller finds a run: see `labelsSchema`. */
export type Labels = Readonly<Record<string, string>>;

/** Labels as texts such as `tenant:acme`, the form in filters and databases. No name has a colon. */
export function labelTexts(labels: Labels | undefined): string[] {
  return labels ? Object.entries(labels).map(([name, value]) => `${name}:${value}`) : [];
}

/** The reverse of {@link labelTexts}. */
export function labelsOf(texts: readonly string[]): Labels {
  return Object.fromEntries(texts.map(nameAndValue));
}

/** Whether a run has all the wanted labels. */
export function hasLabels(labels: Labels | undefined, wanted: readonly string[] | undefined): boolean {
  if (!wanted) return true;
  return wanted.every((text) => {
    const [name, value] = nameAndValue(text);
    return labels?.[name] === value;
  });
}

/** JSON members of labels, to search for in the JSON of a run's labels. No value contains such a member: JSON escapes its quotes. */
export function labelMembers(texts: readonly string[]): string[] {
  return texts.map((text) =>
    nameAndValue(text)
      .map((part) => JSON.stringify(part))
      .join(':'),
  );
}

function nameAndValue(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
}
