import type { Dispatcher } from 'undici';
import { ByteCollector } from './byte-collector.js';
import type { Connection, ConnectionUser } from './connection.js';
import { Decompression, encodingMistake, encodingsOf } from './decompression.js';
import type { MemoryBudget } from '../core/memory-budget.js';
import { EXCERPT_BYTES } from './excerpt.js';
import { expectNoStream, expectStream, type StreamUser } from './http2-streams.js';
import { ReadingPace } from './reading-pace.js';
import { StreamedBody, type BodySource } from './streamed-body.js';
import { UnfitResponse, type ReadingTerms, type UpstreamResponse } from './upstream-response.js';

/** How much is read of a body that is not wanted, on the wire: so much costs less than another connection. */
const UNWANTED_BYTES = 16 * 1024;
/** How long to wait for it, in milliseconds: a failure is not to take longer for the sake of its text. */
const UNWANTED_MS = 500;

const NO_BODY = Buffer.alloc(0);

/** Reads a response as undici brings it: a stream in between would cost more than all of the rest. */
export class ResponseReader implements Dispatcher.DispatchHandler, ConnectionUser, StreamUser, BodySource {
  connection: Connection | undefined;
  stream: StreamUser['stream'];
  private controller: Dispatcher.DispatchController | undefined;
  private settled = false;
  private status = 0;
  private headers: UpstreamResponse['headers'] = {};
  private encodings: readonly string[] = [];
  private decompression: Decompression | undefined;
  private wanted = true;
  private body: ByteCollector | undefined;
  /** What its body is brought to as it comes, instead of being kept. */
  private streamed: StreamedBody | undefined;
  private bytesOnWire = 0;
  /** Whether no more is read of what is not wanted. */
  private enough = false;
  private wait: NodeJS.Timeout | undefined;
  private readonly pace: ReadingPace;

  constructor(
    private readonly method: string,
    private readonly terms: ReadingTerms,
    private readonly signal: AbortSignal,
    private readonly memory: MemoryBudget,
    private readonly resolve: (response: UpstreamResponse) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.pace = new ReadingPace(memory);
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.fail(this.signal.reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.connection?.begin();
    if (this.settled) this.cutOff();
    else expectStream(this);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: UpstreamResponse['headers'],
  ): void {
    if (this.settled || status < 200) return;
    this.status = status;
    this.headers = headers;
    const { accepts, streams, maxBytes } = this.terms;
    this.wanted = accepts(status) && (streams?.(headers['content-type']) ?? true);
    if (this.method === 'HEAD') return;
    if (headers['content-encoding'] !== undefined) this.encodings = encodingsOf(headers['content-encoding']);
    const mistake = encodingMistake(this.encodings);
    if (this.wanted) {
      if (mistake !== undefined) this.fail(this.unfit(mistake));
      else if (streams) this.open();
      else if (Number(headers['content-length']) > maxBytes) this.fail(this.tooLarge());
    } else if (mistake !== undefined) this.finish();
    else this.waitForUnwanted();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled || this.enough) return;
    this.bytesOnWire += chunk.length;
    if (this.wanted && !this.streamed && this.bytesOnWire > this.terms.maxBytes) {
      this.fail(this.tooLarge());
      return;
    }
    if (this.encodings.length === 0) this.keep(chunk);
    else if (!this.decoding().write(chunk, this.drained)) controller.pause();
    if (this.wanted || this.bytesOnWire <= UNWANTED_BYTES) return;
    this.enough = true;
    if (this.decompression) this.decompression.end();
    else this.finish();
  }

  onResponseEnd(): void {
    if (this.enough) return;
    // A stream that is cancelled ends as one does that is complete.
    if (this.wanted && this.stream?.rstCode) this.brokeOff('the upstream has reset the stream');
    else if (this.decompression) this.decompression.end();
    else this.finish(false);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.status === 0) this.fail(this.connection?.failure(error) ?? error);
    else if (!this.wanted) this.finish();
    else this.brokeOff(error.message);
  }

  pause(): void {
    (this.decompression ?? this.controller)?.pause();
  }

  resume(): void {
    (this.decompression ?? this.controller)?.resume();
  }

  leave(atEnd: boolean): void {
    if (!atEnd) {
      this.finish();
      return;
    }
    // The attempt is over, and its signal may be aborted for all that.
    this.signal.removeEventListener('abort', this);
    this.wanted = false;
    this.bytesOnWire = 0;
    this.waitForUnwanted();
    this.resume();
  }

  /** Lets its body be read as it comes. */
  private open(): void {
    this.streamed = new StreamedBody(this, this.memory);
    this.resolve({ ...this.response(), stream: this.streamed });
  }

  private waitForUnwanted(): void {
    this.wait = setTimeout(() => {
      this.finish();
    }, UNWANTED_MS);
  }

  private brokeOff(reason: string): void {
    this.fail(this.unfit(`its body broke off after ${this.bytesOnWire} bytes: ${reason}`));
  }

  /** Begins with the first bytes: no body at all is no mistake, however it is said to be encoded. */
  private decoding(): Decompression {
    return (this.decompression ??= new Decompression(this.encodings, {
      data: (chunk) => {
        this.keep(chunk);
        // What the rest of it would decompress to is anybody's guess.
        if (!this.wanted && this.body?.length === EXCERPT_BYTES) this.finish();
      },
      end: () => {
        this.finish(this.enough);
      },
      error: (error) => {
        if (this.wanted) this.fail(this.unfit(`its body can’t be decompressed: ${error.message}`));
        else this.finish();
      },
    }));
  }

  private keep(chunk: Buffer): void {
    if (this.settled) return;
    if (this.wanted && this.streamed) {
      this.streamed.push(chunk);
      return;
    }
    this.body ??= new ByteCollector(this.wanted ? this.terms.maxBytes : EXCERPT_BYTES);
    if (this.wanted && this.body.length + chunk.length > this.terms.maxBytes) {
      this.fail(this.tooLarge());
      return;
    }
    this.body.add(chunk);
    if (this.wanted) this.pace.keep(chunk.length, this.controller);
  }

  private readonly drained = (): void => {
    if (!this.pace.isPaused) this.controller?.resume();
  };

  private tooLarge(): UnfitResponse {
    return this.unfit(`its body has more than ${this.terms.maxBytes} bytes; maxResponse is that bound`);
  }

  private unfit(message: string): UnfitResponse {
    return new UnfitResponse(message, this.response());
  }

  private response(): UpstreamResponse {
    return { status: this.status, headers: this.headers, body: this.body?.bytes ?? NO_BODY };
  }

  private finish(cutOff = true): void {
    if (!this.settle()) return;
    if (cutOff) this.cutOff();
    if (this.streamed) this.streamed.finish();
    else this.resolve(this.response());
  }

  fail(error: unknown): void {
    if (!this.settle()) return;
    this.cutOff();
    if (this.streamed) this.streamed.fail(error, !(error instanceof UnfitResponse));
    else this.reject(error);
  }

  /** @returns whether it was not settled before */
  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.signal.removeEventListener('abort', this);
    clearTimeout(this.wait);
    expectNoStream(this);
    this.pace.end();
    return true;
  }

  /** Closes the connection, once undici's parser has returned: it doesn't expect that while it calls. */
  private cutOff(): void {
    this.decompression?.destroy();
    const { controller } = this;
    if (controller) queueMicrotask(() => controller.abort(new Error('The rest is not needed')));
  }
}
