type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** An object without its undefined members. */
export function defined<T extends object>(members: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<
    Defined<T>
  >;
}
