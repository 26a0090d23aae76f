import {
  Body,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  Scope,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type Provider,
} from '@nestjs/common';
import { APP_GUARD, REQUEST } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import compression from 'compression';
import { FrontrunnerModule, SubTask, Task } from '../../../src/index.js';
import type { CapturedLog } from '../../support/captured-log.js';

interface Seen {
  readonly headers: Record<string, string | undefined>;
  user?: string;
}
const headerOf = (context: ExecutionContext, name: string) =>
  context.switchToHttp().getRequest<Seen>().headers[name];

/** What guards of the application ask. */
@Injectable()
class Users {
  readonly names = new Map([['key-of-ada', 'ada']]);
}

/** Of the whole application, made once. */
@Injectable()
class NoRobots implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return headerOf(context, 'x-robot') === undefined;
  }
}

/** Of the whole application, made for each request. */
@Injectable({ scope: Scope.REQUEST })
class Knocks implements CanActivate {
  constructor(@Inject(REQUEST) private readonly request: Seen) {}
  canActivate(): boolean {
    if (this.request.headers['x-knock'] === 'wrong')
      throw new UnauthorizedException('that was the wrong knock');
    return true;
  }
}

/** Of the face, provided by nobody. */
@Injectable()
export class Auth implements CanActivate {
  constructor(private readonly users: Users) {}
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Seen>();
    const key = request.headers['x-user'] ?? '';
    const response = context.switchToHttp().getResponse<{ header(name: string, value: string): void }>();
    if (key === 'bug') throw new Error('a bug of the guard');
    if (key === 'nobody') {
      response.header('WWW-Authenticate', 'Bearer');
      throw new UnauthorizedException('who are you?');
    }
    response.header('X-Guarded', 'yes');
    request.user = this.users.names.get(key) ?? key;
    return key !== 'banned';
  }
}

/** Of the bare face, provided by a module of the host, and made for each request. */
@Injectable({ scope: Scope.REQUEST })
class Fresh implements CanActivate {
  private asked = false;
  constructor(
    private readonly users: Users,
    @Inject(REQUEST) private readonly request: Seen,
  ) {}
  canActivate(): boolean {
    const before = this.asked;
    this.asked = true;
    return !before && !this.users.names.has(this.request.headers['x-stale'] ?? '');
  }
}

/** Of the bare face, provided by a module of the host, and made once. */
@Injectable()
class Calm implements CanActivate {
  constructor(private readonly users: Users) {}
  canActivate(context: ExecutionContext): boolean {
    return !this.users.names.has(headerOf(context, 'x-angry') ?? '');
  }
}

/** Of the face, an instance. */
const notTooFast: CanActivate = { canActivate: (context) => headerOf(context, 'x-fast') === undefined };

@Module({ providers: [Users, Fresh, Calm], exports: [Users] })
class UsersModule {}

@Controller('own')
class OwnController {
  @Post()
  echo(@Body() body: unknown): unknown {
    return { body };
  }
  @Get('frontrunner')
  get(): string {
    return 'own';
  }
}

/** With a hook, which requests come to before anything of Nest. */
function fastify(): FastifyAdapter {
  const adapter = new FastifyAdapter();
  adapter.getInstance().addHook('onRequest', (request, reply, done) => {
    void reply.header('X-Hook', 'yes');
    if (request.headers['x-hook'] === undefined) done();
    else done(Object.assign(new Error('the hook says no'), { statusCode: 403 }));
  });
  return adapter;
}
export const adapterOf = { express: () => new ExpressAdapter(), fastify };

function clientOf(user: string | undefined): string | undefined {
  if (user === '') return undefined;
  return user === 'nameless' ? 'x'.repeat(256) : user;
}

/** A task of the bare instance. */
@SubTask({ name: 'far' })
class FarSubTask {
  run = () => 'far';
}

@Task({ name: 'far', subTasks: [FarSubTask] })
class FarTask {}

/** An application with guards of every kind, and two instances: one with the guards at `/work/runner`, and a bare one at `/bare`. */
export async function startGuardedHost(
  name: keyof typeof adapterOf,
  log: CapturedLog,
  providers: readonly Provider[],
): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [
      FrontrunnerModule.forRoot({
        imports: [UsersModule],
        database: 'memory:',
        http: {
          path: '/work/runner/',
          guards: [Auth, notTooFast],
          client: ({ user }: Seen) => clientOf(user),
        },
      }),
      FrontrunnerModule.forRoot({
        name: 'bare',
        database: 'memory:',
        http: {
          path: 'bare',
          guards: [Calm, Fresh],
          openApi: false,
          ui: false,
          publicUrl: 'https://api.example.com/bare',
        },
      }),
      FrontrunnerModule.forFeature([FarTask, FarSubTask], { name: 'bare' }),
    ],
    controllers: [OwnController],
    providers: [
      ...providers,
      { provide: APP_GUARD, useClass: NoRobots },
      { provide: APP_GUARD, useClass: Knocks },
    ],
  })
    .setLogger(log)
    .compile();
  const host = module.createNestApplication(adapterOf[name](), { rawBody: true });
  if (name === 'express') host.use(compression({ threshold: 0 }));
  host.enableCors({ origin: 'https://web.example' });
  host.useGlobalGuards({ canActivate: (context) => headerOf(context, 'x-late') === undefined });
  await host.listen(0, '127.0.0.1');
  return host;
}
