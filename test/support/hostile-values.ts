const refuse = (): never => {
  throw new TypeError('hostile');
};

/** Something that can't be made a text in any way. */
export const hostileObject: object = {
  toString: refuse,
  valueOf: refuse,
  toJSON: refuse,
  [Symbol.toPrimitive]: refuse,
  get message() {
    return refuse();
  },
};

/** Throws whatever one does with it, `instanceof` included. */
export function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

export function circle(): object {
  const value: { self?: unknown } = {};
  value.self = [value];
  return value;
}

export function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

/** A function that throws `reason`, whatever that is. */
export function throwing(reason: unknown): () => never {
  return () => {
    throw reason;
  };
}
