import type { ServerResponse } from 'node:http';
import type { NestApplicationOptions } from '@nestjs/common';
import type { NestFactoryStatic } from '@nestjs/core/nest-factory.js';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { setUpFace } from '../http-face.setup.js';
import type { Config } from '../config/config.js';
import type { HostProviders } from '../core/host-providers.js';
import { FastExpressAdapter } from '../http/express-adapter.js';
import { contextOf } from '../http/request-context.js';
import { HttpFaceModule } from '../http-face.module.js';
import { showPage } from '../ui/show-page.js';
import type { Handle } from './exchange.js';
import { InstanceModule } from './instance.module.js';
import { packedDocument, packedPages } from './packed-document.js';

interface FaceOptions {
  readonly base: string;
  readonly openApi?: boolean | undefined;
  readonly ui?: boolean | undefined;
  /** Nest's options of the application. */
  readonly nest: NestApplicationOptions;
}

/** An adapter whose server never listens: the door passes requests to it. */
class FaceAdapter extends FastExpressAdapter {
  private stopped: Promise<void> | undefined;

  get stopping(): boolean {
    return this.stopped !== undefined;
  }

  override beforeClose(): Promise<void> {
    return (this.stopped ??= this.beforeStop());
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Makes the inner application of an instance with an HTTP face. */
export async function startFace(
  factory: NestFactoryStatic,
  config: Config,
  host: HostProviders,
  { base, openApi = true, ui = true, nest }: FaceOptions,
) {
  const adapter = new FaceAdapter();
  const app = await factory.create<NestExpressApplication>(
    InstanceModule.with(config, host, HttpFaceModule),
    adapter,
    nest,
  );
  const refusals = new WeakMap<object, unknown>();
  const refuse: RequestHandler = (request, _response, next) => {
    next(refusals.get(request));
  };
  const open = new Set<ServerResponse>();
  const anybody = { keys: undefined, limit: undefined, hosts: undefined };
  const document = packedDocument();
  const show = openApi ? await packedPages() : { paths: [] };
  setUpFace(app, adapter, anybody, { base, document, refuse, pages: show.paths, hasPage: ui });
  if (ui) showPage(app);
  show.on?.(app, document, base);
  const handle: Handle = (request, response, refusal, client) => {
    if (refusal !== undefined) refusals.set(request, refusal);
    if (client !== undefined) {
      const context = contextOf(request);
      context.client = client;
      // In the service, the part after the colon tells API keys of one name apart. An instance has no keys.
      context.clientId = `${client}:`;
    }
    // The server of the host has already sent 100 Continue, or refused other expectations.
    delete request.headers.expect;
    if (adapter.stopping) endWithAnswer(response);
    open.add(response);
    response.once('close', () => open.delete(response));
    adapter.receive(request, response);
  };
  await app.init();
  const stop = (): Promise<void> => {
    open.forEach(endWithAnswer);
    return adapter.beforeClose();
  };
  return { app, handle, stop };
}

/** Closes the connection after the answer. Otherwise the close of the host's server waits for kept-alive connections, Fastify's for 72 s. */
function endWithAnswer(response: ServerResponse): void {
  if (!response.headersSent) response.shouldKeepAlive = false;
  // The streams of HTTP/2 have no socket of their own.
  else if (response.req.httpVersionMajor === 1) response.once('finish', () => response.req.socket.end());
}
