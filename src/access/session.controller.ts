import { Controller, Delete, Get, HttpCode, Post, Query, Body, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { isForm } from '../http/json-body.js';
import { linkTo } from '../http/links.js';
import {
  ApiBody,
  ApiConsumes,
  ApiExcludeEndpoint,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '../http/open-api.js';
import { contextOf } from '../http/request-context.js';
import { ValidBody } from '../http/validated.decorator.js';
import { slowClient, unknownKey, UNKNOWN_KEY } from './access-control.js';
import { challenge } from './challenge.js';
import { NeedsAnyKey } from './needed-scope.decorator.js';
import { sessionSchema, signInSchema, type SignIn } from './session.schemas.js';
import { Sessions, type Session } from './sessions.js';
import { pathToGoOn, signedInPage, signInPage } from './sign-in-page.js';
import { requireOwnPage } from './web-pages.js';

type SessionView = z.input<typeof sessionSchema>;

const setCookie = {
  'Set-Cookie': {
    description: 'The session: `HttpOnly`, `SameSite=Strict`, for 12 hours.',
    schema: { type: 'string' as const },
  },
};

/** Signs browsers in and out. A browser can't send a key with every request. */
@NeedsAnyKey()
@ApiTags('Access')
@Controller()
export class SessionController {
  constructor(private readonly sessions: Sessions) {}

  @Get('session')
  @ApiOperation({
    operationId: 'getSession',
    summary: 'Show who is signed in',
    description:
      'Who the caller is, by its session or its key, and whether callers need a key at all. It needs none.',
  })
  @ApiOkResponse({ description: 'Who it is', standardSchema: sessionSchema })
  @ApiProblems('journal-unavailable')
  async show(@Req() request: Request): Promise<SessionView> {
    const { client: name, keyHeader } = contextOf(request);
    return this.view(keyHeader === undefined ? await this.sessions.of(request) : undefined, name);
  }

  @Post('session')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'createSession',
    summary: 'Sign in',
    description:
      'Exchanges an API key for a cookie, which browsers then send instead of the key. It is good for whatever the key is good for, for 12 hours at most, from pages of the service alone, until `DELETE /session`, and no longer than the key. A form is answered with 303. Where no key is needed, there is no cookie.',
  })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiBody({
    schema: { $ref: '#/components/schemas/SignIn' },
    examples: { key: { summary: 'With a key', value: { key: 'fr_uo6kH-gL1XPBexample' } } },
  })
  @ApiOkResponse({ description: 'Who is signed in', standardSchema: sessionSchema, headers: setCookie })
  @ApiResponse({ status: 303, description: 'A form signed in; `Location` has `next`', headers: setCookie })
  @ApiProblems('malformed-json', 'invalid-request', 'unauthorized', 'foreign-page', 'journal-unavailable')
  async begin(
    @ValidBody(signInSchema) { key, next }: SignIn,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const session = await this.signIn(key, request, response);
    if (session === 'refused') throw unknownKey(response);
    if (isForm(request)) response.redirect(303, linkTo(request, pathToGoOn(next)));
    else response.json(this.view(session, contextOf(request).client));
  }

  @Delete('session')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteSession',
    summary: 'Sign out',
    description:
      'Ends the session of the cookie on all nodes, so that a copy of it is good for nothing. Without a session, nothing is done.',
  })
  @ApiNoContentResponse({ description: 'There is no session any more' })
  @ApiProblems('foreign-page', 'journal-unavailable')
  end(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<void> {
    return this.sessions.end(request, response);
  }

  @Get('sign-in')
  @ApiExcludeEndpoint()
  async showForm(
    @Query('next') next: unknown,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const onward = linkTo(request, pathToGoOn(next));
    if (!this.sessions.keys) {
      response.redirect(303, onward);
      return;
    }
    const session = await this.sessions.of(request);
    const signedIn = session && { name: session.client.name, until: session.until };
    const page = signedIn ? signedInPage(onward, linkTo(request, '/sign-out'), signedIn) : signInPage(onward);
    sendPage(response, page);
  }

  @Post('sign-in')
  @ApiExcludeEndpoint()
  async takeForm(
    @Body() body: { readonly key?: unknown } = {},
    @Query('next') next: unknown,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const onward = linkTo(request, pathToGoOn(next));
    if ((await this.signIn(body.key, request, response)) !== 'refused') {
      response.redirect(303, onward);
      return;
    }
    response.status(401).setHeader('WWW-Authenticate', challenge('invalid_token'));
    sendPage(response, signInPage(onward, UNKNOWN_KEY));
  }

  @Post('sign-out')
  @ApiExcludeEndpoint()
  async takeSignOut(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.sessions.end(request, response);
    response.redirect(303, linkTo(request, '/sign-in'));
  }

  /**
   * @returns undefined when callers need no key
   * @throws {HttpException} 429
   * @throws {DomainError}
   */
  private async signIn(
    key: unknown,
    request: Request,
    response: Response,
  ): Promise<Session | 'refused' | undefined> {
    // A page of another origin must not sign its visitors in under another identity.
    requireOwnPage(request);
    const { keys } = this.sessions;
    if (!keys) return undefined;
    const text = typeof key === 'string' ? key : '';
    const client = keys.find(text) ?? (await slowClient(keys, text, response));
    return client ? this.sessions.begin(client, request, response) : 'refused';
  }

  private view(session: Session | undefined, name: string | undefined): SessionView {
    const client = session?.client ?? this.sessions.keys?.client(name ?? '');
    return {
      keyNeeded: this.sessions.keys !== undefined,
      client: client?.name ?? name ?? null,
      scopes: [...(client?.scopes ?? [])],
      until: session ? new Date(session.until).toISOString() : null,
    };
  }
}

/** With `no-referrer`, browsers would also hide the form's origin. */
function sendPage(response: Response, page: string): void {
  response.setHeader('Referrer-Policy', 'same-origin').type('html').send(page);
}
