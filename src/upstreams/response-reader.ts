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

/** How much of an unwanted body is read, in bytes on the wire. Reading that much costs less than a new connection. */
const UNWANTED_BYTES = 16 * 1024;
/** How long to wait for an unwanted body, in milliseconds. The text of a failure must not delay it for longer. */
const UNWANTED_MS = 500;

const NO_BODY = Buffer.alloc(0);

/** Reads a response through undici's callbacks. A stream in between would cost more than everything else here. */
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
  /** Receives the body as it comes, if it isn't to be kept. */
  private streamed: StreamedBody | undefined;
  private bytesOnWire = 0;
  /** Whether enough of an unwanted body was read. */
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

  /** Called when the signal is aborted. */
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
    // A cancelled HTTP/2 stream looks like a complete one.
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
    // The attempt has ended, so its signal may be aborted from now on without meaning this request.
    this.signal.removeEventListener('abort', this);
    this.wanted = false;
    this.bytesOnWire = 0;
    this.waitForUnwanted();
    this.resume();
  }

  /** Lets the body be read as it comes. */
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

  /** The decoder, created with the first bytes: an empty body is valid, whatever its encoding. */
  private decoding(): Decompression {
    return (this.decompression ??= new Decompression(this.encodings, {
      data: (chunk) => {
        this.keep(chunk);
        // Nobody knows how large the rest would become.
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

  /** @returns false when it was settled before */
  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.signal.removeEventListener('abort', this);
    clearTimeout(this.wait);
    expectNoStream(this);
    this.pace.end();
    return true;
  }

  /** Closes the connection in a microtask: undici's parser doesn't expect it during a callback. */
  private cutOff(): void {
    this.decompression?.destroy();
    const { controller } = this;
    if (controller) queueMicrotask(() => controller.abort(new Error('The rest is not needed')));
  }
}
