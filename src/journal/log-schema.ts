/** The tables that are the same in every database of a journal. Times are milliseconds since 1970 in UTC. */
export interface LogSchema {
  idempotency_keys: {
    client: string;
    key: string;
    fingerprint: string;
    created_at: number;
  };
  /** The statistics of a task in a stretch of time. */
  statistics: {
    task: string;
    /** When the stretch begins. */
    start: number;
    /** JSON */
    data: string;
  };
  /** One row: which events the statistics include. */
  counted_events: {
    only: number;
    up_to: number;
    read_from: number;
  };
}
