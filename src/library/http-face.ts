import type { NestFactoryStatic } from '@nestjs/core/nest-factory.js';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Express } from 'express';
import { setUpFace } from '../app.setup.js';
import type { Config } from '../config/config.js';
import type { HostProviders } from '../core/host-providers.js';
import { FastExpressAdapter } from '../http/express-adapter.js';
import { HttpFaceModule } from '../http-face.module.js';
import type { Handle } from './http-door.js';
import { InstanceModule } from './instance.module.js';
import { packedDocument, showPacked } from './packed-document.js';

interface FaceOptions {
  readonly base: string;
  readonly openApi?: boolean | undefined;
}

/** Makes the application within an instance that has an HTTP face. Its server never listens: the door hands it requests. */
export async function startFace(
  factory: NestFactoryStatic,
  config: Config,
  host: HostProviders,
  { base, openApi = true }: FaceOptions,
) {
  const adapter = new FastExpressAdapter();
  const app = await factory.create<NestExpressApplication>(
    InstanceModule.with(config, host, HttpFaceModule),
    adapter,
    { abortOnError: false, bodyParser: false },
  );
  const refusals = new WeakMap<object, unknown>();
  adapter.getInstance<Express>().use((request, _response, next) => {
    next(refusals.get(request));
  });
  const anybody = { keys: undefined, limit: undefined, hosts: undefined };
  const document = packedDocument();
  setUpFace(app, adapter, anybody, { base, document });
  if (openApi) await showPacked(app, document, base);
  const { beforeStop } = adapter;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= beforeStop());
  adapter.beforeStop = stop;
  const handle: Handle = (request, response, refusal) => {
    if (refusal !== undefined) refusals.set(request, refusal);
    adapter.handle(request, response);
  };
  await app.init();
  return { app, handle, stop };
}
