import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import type { Request } from 'express';
import type { z } from 'zod';
import { KeepsToOwnRuns, NeedsScope } from '../access/needed-scope.decorator.js';
import { STREAM_PATH, StreamTokens } from '../access/stream-tokens.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { linkTo } from '../http/links.js';
import { contextOf } from '../http/request-context.js';
import { RunWatch } from '../tasks/run-watch.js';
import {
  streamTokenRequestSchema,
  streamTokenSchema,
  type StreamTokenRequest,
} from './stream-tokens.schemas.js';
import { ValidBody } from '../http/validated.decorator.js';

@ApiTags('Events')
@Controller('stream-tokens')
export class StreamTokensController {
  constructor(
    private readonly tokens: StreamTokens,
    private readonly runs: RunWatch,
  ) {}

  @Post()
  @HttpCode(200)
  @NeedsScope('runs:read')
  @KeepsToOwnRuns()
  @ApiOperation({
    operationId: 'createStreamToken',
    summary: 'Make a token for an event stream',
    description:
      'For readers that can’t send an API key in a header, such as `EventSource` in browsers. The token opens one event stream, as `?token=`, for five minutes. It shows what the key that made it may see at that moment: it ends with the key. Where no key is needed, no token is.',
  })
  @ApiBody({
    schema: { $ref: '#/components/schemas/StreamTokenRequest' },
    examples: { all: { summary: 'The stream of all runs', value: { path: '/events' } } },
  })
  @ApiOkResponse({ description: 'The token', standardSchema: streamTokenSchema })
  @ApiProblems('malformed-json', 'invalid-request', 'run-unknown', 'journal-unavailable')
  async create(
    @ValidBody(streamTokenRequestSchema) body: StreamTokenRequest,
    @Req() request: Request,
  ): Promise<z.input<typeof streamTokenSchema>> {
    const { clientId = '', onlyClient } = contextOf(request);
    const [, id, what] = 'runId' in body ? ['', body.runId, 'events'] : (STREAM_PATH.exec(body.path) ?? []);
    const stream =
      id === undefined ? '/events' : `/runs/${await this.seenRun(id, onlyClient)}/${String(what)}`;
    const made = await this.tokens.create(clientId, stream);
    return { ...made, url: linkTo(request, `${stream}?token=${made.token}`) };
  }

  /** The id of a run that the caller may see. */
  private async seenRun(id: string, onlyClient: string | undefined): Promise<string> {
    await this.runs.requireSeen(id, onlyClient);
    return (await this.runs.get(id)).id;
  }
}
