/** The tables that are the same in every database of a journal. Times are milliseconds since 1970 in UTC. */
export interface LogSchema {
  idempotency_keys: {
    client: string;
    key: string;
    fingerprint: string;
    created_at: number;
  };
  /** What was counted of a task in a stretch of time. */
  statistics: {
    task: string;
    /** Where that time begins. */
    start: number;
    /** JSON */
    data: string;
  };
  /** One row: which events are counted in it. */
  counted_events: {
    only: number;
    up_to: number;
    read_from: number;
  };
}
