import {
  Catch,
  Controller,
  Get,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type INestApplication,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { map, type Observable } from 'rxjs';
import { CONFIG, type Config } from '../../src/config/config.js';
import { DemoClock, FirstSubTask, SecondSubTask, ThirdSubTask } from '../../src/demo/demo.sub-tasks.js';
import { DemoTask } from '../../src/demo/demo.task.js';
import { Frontrunner, FrontrunnerModule, type FrontrunnerOptions } from '../../src/index.js';
import type { CapturedLog } from './captured-log.js';
import type { Face } from './faces.js';

/** The options of an instance that stand for variables of the service. */
const OPTIONS = {
  DATABASE_URL: 'database',
  SHUTDOWN_GRACE: 'shutdownGrace',
  MAX_INPUT_BYTES: 'maxInputBytes',
  MAX_RESULT_BYTES: 'maxResultBytes',
  MAX_QUEUED_RUNS: 'maxQueuedRuns',
} as const satisfies Record<string, keyof FrontrunnerOptions>;

@Controller('own')
class OwnController {
  @Get()
  own(): object {
    return { own: true };
  }
}

/** None of these may have a say in what the face does. */
class RefusingPipe implements PipeTransform {
  transform(): never {
    throw new Error('a pipe of the host was asked');
  }
}
class WrappingInterceptor implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}
@Catch()
class TeapotFilter implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    const response = host
      .switchToHttp()
      .getResponse<{ status(code: number): { send(body: string): void } }>();
    response.status(418).send('a filter of the host has answered');
  }
}

/** Starts an application with all that applications have for themselves, of which the face is a part. */
export async function startHost(
  face: Exclude<Face, 'service'>,
  env: Readonly<Record<string, string>>,
  { config, log, ...metadata }: ModuleMetadata & { config: Config; log: CapturedLog },
): Promise<{ host: INestApplication; app: NestExpressApplication }> {
  const options = Object.entries(OPTIONS).flatMap(([variable, option]) =>
    env[variable] === undefined ? [] : [[option, env[variable]] as const],
  );
  const { MAX_WAIT: maxWait } = env;
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [
      FrontrunnerModule.forRoot({
        ...(Object.fromEntries(options) as FrontrunnerOptions),
        http: { ...(maxWait !== undefined && { maxWait }) },
      }),
      ...(metadata.imports ?? []),
    ],
    controllers: [OwnController],
    providers: [
      { provide: CONFIG, useValue: config },
      ...[DemoClock, DemoTask, FirstSubTask, SecondSubTask, ThirdSubTask],
      ...(metadata.providers ?? []),
    ],
  })
    .setLogger(log)
    .compile();
  const host = module.createNestApplication(face === 'express' ? new ExpressAdapter() : new FastifyAdapter());
  host.setGlobalPrefix('api');
  host.enableVersioning();
  host.useGlobalPipes(new RefusingPipe());
  host.useGlobalInterceptors(new WrappingInterceptor());
  host.useGlobalFilters(new TeapotFilter());
  await host.init();
  const { instance } = host.get<unknown>(Frontrunner) as {
    instance: { app: Promise<NestExpressApplication> };
  };
  return { host, app: await instance.app };
}
