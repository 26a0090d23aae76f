/** The tables that every database of a journal has. Times are milliseconds since 1970 in UTC. */
export interface LogSchema {
  runs: {
    /** The id of its `run.started` event: the events of a run refer to it by eight bytes at most. */
    number: number;
    id: string;
    task: string;
    status: string;
    created_at: number;
    finished_at: number | null;
  };
  events: {
    id: number;
    run: number;
    type: string;
    time: number;
    sub_task: string | null;
    attempt: number | null;
    /** JSON */
    data: string;
  };
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
