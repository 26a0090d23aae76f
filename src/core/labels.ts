/** What a caller says of a run, to find it by: see `labelsSchema`. */
export type Labels = Readonly<Record<string, string>>;

/** Labels as filters name them and databases keep them: `tenant:acme`. No name has a colon. */
export function labelTexts(labels: Labels | undefined): string[] {
  return labels ? Object.entries(labels).map(([name, value]) => `${name}:${value}`) : [];
}

/** The reverse of {@link labelTexts}. */
export function labelsOf(texts: readonly string[]): Labels {
  return Object.fromEntries(texts.map(nameAndValue));
}

/** Whether a run has all of some labels. */
export function hasLabels(labels: Labels | undefined, wanted: readonly string[] | undefined): boolean {
  if (!wanted) return true;
  return wanted.every((text) => {
    const [name, value] = nameAndValue(text);
    return labels?.[name] === value;
  });
}

/** The members that JSON has of some labels. No other text has such a member in it: JSON escapes the quotes of a value. */
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
