import type { Place, Reception } from './receivers.ts';

/** An event that a webhook is told of. */
export interface ExpectedEvent {
  readonly id: number;
  readonly runId: string;
  readonly type: string;
  /** See `digestOf`. */
  readonly digest: string;
  /** Of the run, where all its deliveries must have it. */
  readonly traceparent?: string | undefined;
}

/** A webhook, and what it is told of. */
export interface Registration {
  readonly token: string;
  /** In the order of the log. */
  readonly events: readonly ExpectedEvent[];
  /** Events up to this one may be told of or not: they were recorded while it was made. */
  readonly optionalUpTo: number;
  /**
   * What must be so before an event of a run comes: that the earlier ones were `taken`; that they `came` first, as far as they came, where some
   * are given up; nothing where some are redriven.
   */
  readonly order: 'taken' | 'came' | 'none';
}

export interface Deliveries {
  readonly registrations: readonly Registration[];
  readonly receptions: readonly Reception[];
  /** Dead letters, each named by {@link deliveryName}. */
  readonly dead: ReadonlySet<string>;
  /** Whether an event may come again that was surely taken before. */
  readonly mayRepeat: (taken: Reception, again: Reception) => boolean;
}

/** Where all of that stays dead. */
const HOPELESS: readonly Place[] = ['broken', 'gone'];

export const deliveryName = (token: string, id: number) => `${token} ${String(id)}`;

/** Where what receivers got is not each event of each registered run at least once, in order a run, and nothing else. */
export function proveDeliveries({ registrations, receptions, dead, mayRepeat }: Deliveries): string[] {
  const byToken = Map.groupBy(receptions, ({ token }) => token);
  const violations = [...byToken.keys()]
    .filter((token) => !registrations.some((registration) => registration.token === token))
    .map((token) => `Events came to ${token}, which nobody registered`);
  for (const registration of registrations)
    violations.push(
      ...proveRegistration(registration, byToken.get(registration.token) ?? [], dead, mayRepeat).map(
        (text) => `The webhook ${registration.token} ${text}`,
      ),
    );
  return violations;
}

/** Of what must be delivered, what isn’t and isn’t given up either. */
export function undelivered({ registrations, receptions, dead }: Omit<Deliveries, 'mayRepeat'>): string[] {
  const taken = new Set(
    receptions.filter(({ taken: how }) => how !== 'no').map(({ token, id }) => deliveryName(token, id)),
  );
  return registrations.flatMap(({ token, events, optionalUpTo }) =>
    events
      .filter(({ id }) => id > optionalUpTo)
      .filter(({ id }) => !taken.has(deliveryName(token, id)) && !dead.has(deliveryName(token, id)))
      .map((event) => `The webhook ${token} never got ${nameOf(event)}`),
  );
}

function proveRegistration(
  registration: Registration,
  receptions: readonly Reception[],
  dead: ReadonlySet<string>,
  mayRepeat: Deliveries['mayRepeat'],
): string[] {
  const events = new Map(registration.events.map((event) => [event.id, event]));
  const violations: string[] = [];
  const firsts = new Map<number, Reception>();
  const takenAt = new Map<number, number>();
  const surely = new Map<number, Reception>();
  let gone: Reception | undefined;
  for (const reception of receptions) {
    const { id, digest, traceparent } = reception;
    const event = events.get(id);
    if (!event) {
      violations.push(`got event ${String(id)}, which is none of its`);
      continue;
    }
    if (digest !== event.digest) violations.push(`got another ${nameOf(event)} than the log has`);
    if (event.traceparent !== undefined && traceparent !== event.traceparent)
      violations.push(`got ${nameOf(event)} with the traceparent ${String(traceparent)}`);
    if (gone && !mayRepeat(gone, reception))
      violations.push(`got ${nameOf(event)} after it had answered event ${String(gone.id)} with 410`);
    if (reception.place === 'gone') gone ??= reception;
    const before = surely.get(id);
    if (before && !mayRepeat(before, reception))
      violations.push(`got ${nameOf(event)} again, though it had taken it`);
    if (!firsts.has(id)) firsts.set(id, reception);
    takenAt.set(id, Math.min(takenAt.get(id) ?? Infinity, reception.takenAt));
    if (reception.taken === 'surely') surely.set(id, reception);
  }
  violations.push(...proveOrder(registration, firsts, takenAt));
  for (const [id, { place }] of firsts)
    if (dead.has(deliveryName(registration.token, id)) && !HOPELESS.includes(place))
      violations.push(`has the dead letter ${String(id)}, though its receiver lives`);
  return violations;
}

/** Events that came before their time. */
function proveOrder(
  { events, optionalUpTo, order }: Registration,
  firsts: ReadonlyMap<number, Reception>,
  takenAt: ReadonlyMap<number, number>,
): string[] {
  if (order === 'none') return [];
  const violations: string[] = [];
  for (const ofRun of Map.groupBy(events, ({ runId }) => runId).values()) {
    let earlier: ExpectedEvent | undefined;
    for (const event of ofRun) {
      const first = firsts.get(event.id);
      const since = earlier && (order === 'taken' ? takenAt.get(earlier.id) : firsts.get(earlier.id)?.at);
      if (first && earlier && first.at < (since ?? Infinity))
        violations.push(
          `got ${nameOf(event)} before event ${String(earlier.id)} was ${order === 'taken' ? 'taken' : 'there'}`,
        );
      if (first || (order === 'taken' && event.id > optionalUpTo)) earlier = event;
    }
  }
  return violations;
}

function nameOf({ id, type, runId }: ExpectedEvent): string {
  return `event ${String(id)}, ${type} of the run ${runId}`;
}
