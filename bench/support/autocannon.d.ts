/** The part of autocannon 9 that the bench uses; the package brings no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  /** One kind of request. Each connection has a context of its own. */
  interface Request {
    setupRequest: (request: object, context: Context) => object;
    onResponse: (status: number, body: string, context: Context) => void;
  }

  type Context = Record<string, unknown>;

  interface Options {
    url: string;
    connections: number;
    /** Seconds. */
    duration: number;
    /** Milliseconds between samples; a stop takes effect at the next one. */
    sampleInt: number;
    verifyBody?: (body: string) => boolean;
    requests?: Request[];
  }

  interface Instance extends EventEmitter, PromiseLike<unknown> {
    stop(): void;
    on(
      event: 'response',
      listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
    ): this;
    on(event: 'reqError', listener: () => void): this;
  }

  export default function autocannon(options: Options): Instance;
}
