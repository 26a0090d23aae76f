/** How the upstream is asked: by undici's `request` alone, or by a sub-task of kind `http`. */
export const WAYS = ['bare', 'sub-task'] as const;

export type Way = (typeof WAYS)[number];

export interface CallsCommand {
  readonly way: Way;
  readonly url: string;
  readonly seconds: number;
  /** How many calls go on at a time. */
  readonly connections: number;
}

export interface CallsLap {
  readonly calls: number;
  readonly faults: number;
  readonly seconds: number;
  /** CPU of the process that called, user and system. */
  readonly cpuMicroseconds: number;
}
