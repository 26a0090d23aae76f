/** Where deliveries go that are counted and answered at once. */
export const LIVE_PATH = '/live/';

/** What was received since the last message. */
export interface Received {
  /** Answers at once. */
  readonly port: number;
  /** Takes connections and requests, and answers none. */
  readonly hangingPort: number;
  /** At paths that begin with {@link LIVE_PATH}, as all that follows. */
  readonly deliveries: number;
  /** Deliveries that had come before: of an event to the same path. */
  readonly repeated: number;
  /** Of one in a hundred, which are verified by the reference library. */
  readonly wrongSignatures: number;
  /** From the time in the event to the end of its body, in milliseconds; NaN where none came. */
  readonly delayP50: number;
  readonly delayP99: number;
  /** When the last one came, in milliseconds since 1970. */
  readonly lastAt: number;
  /** Share of one core that the process used, 0 to 1. */
  readonly share: number;
}
