import { Controller, Delete, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { KeepsToOwnRuns, NeedsScope } from '../access/needed-scope.decorator.js';
import { invalidRequest } from '../core/domain-error.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { requestHeaders } from '../http/headers.js';
import { linkTo } from '../http/links.js';
import { linkHeader, nextLink } from '../http/next-link.js';
import {
  ApiBody,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
} from '../http/open-api.js';
import { contextOf } from '../http/request-context.js';
import { ValidBody, ValidQuery } from '../http/validated.decorator.js';
import { anyCase } from '../tasks/run-id.pipe.js';
import { ShownWebhooks } from './shown-webhooks.js';
import { expectedBy, tagged, tagHeader } from './webhook-answers.js';
import { Webhooks } from './webhooks.js';
import {
  EXAMPLE_WEBHOOK_ID,
  webhookChangeSchema,
  webhookPageSchema,
  webhookRequestSchema,
  webhookSchema,
  webhooksQuerySchema,
  webhookWithSecretSchema,
  type WebhookChange,
  type WebhookRequest,
} from './webhooks.schemas.js';

const madeHeaders = {
  ...tagHeader,
  Location: { description: 'The address of the webhook.', schema: { type: 'string' as const } },
};

@ApiTags('Webhooks')
@NeedsScope('webhooks:write', 'runs:read')
@KeepsToOwnRuns()
@Controller('webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: Webhooks,
    private readonly shown: ShownWebhooks,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({
    operationId: 'createWebhook',
    summary: 'Make a webhook',
    description:
      'Has the events of runs sent to a URL from now on, signed by Standard Webhooks. The answer shows the secret, this once. With a key that is good for its own runs, it is told of those alone. The same request again makes a second webhook, so it takes no `Idempotency-Key`.',
  })
  @ApiBody({
    schema: { $ref: '#/components/schemas/WebhookRequest' },
    examples: {
      results: { summary: 'Results of all runs', value: { url: 'https://hooks.example.com/frontrunner' } },
      some: {
        summary: 'The ends of some runs',
        value: {
          url: 'https://hooks.example.com/ends',
          events: ['run.finished'],
          labels: { tenant: 'acme' },
        },
      },
    },
  })
  @ApiResponse({
    status: 201,
    description: 'It is made',
    standardSchema: webhookWithSecretSchema,
    headers: madeHeaders,
  })
  @ApiProblems('malformed-json', 'invalid-request', 'webhooks-full', 'webhooks-off', 'journal-unavailable')
  async create(
    @ValidBody(webhookRequestSchema) body: WebhookRequest,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    if (request.headers['idempotency-key'] !== undefined)
      throw invalidRequest([
        { header: 'Idempotency-Key', detail: 'is not taken here: the same request makes a second webhook' },
      ]);
    const { webhook, secret } = await this.webhooks.create(body, contextOf(request));
    response.setHeader('Location', linkTo(request, `/webhooks/${webhook.id}`));
    return { ...(await tagged(webhook, this.shown, response)), secret };
  }

  @Get()
  @ApiOperation({
    operationId: 'listWebhooks',
    summary: 'List webhooks',
    description:
      'Those that the caller may see, the newest first. Follow `Link: rel="next"`, or give `next` as the `cursor`, to page on.',
  })
  @ApiOkResponse({
    description: 'A page of webhooks',
    standardSchema: webhookPageSchema,
    headers: linkHeader,
  })
  @ApiProblems('invalid-request', 'journal-unavailable')
  async list(
    @ValidQuery(webhooksQuerySchema) { limit, cursor }: z.infer<typeof webhooksQuerySchema>,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<z.input<typeof webhookPageSchema>> {
    const found = await this.webhooks.list(contextOf(request), limit + 1, cursor);
    const page = found.slice(0, limit);
    const next = found.length > limit ? (page.at(-1)?.id ?? null) : null;
    if (next !== null)
      response.setHeader('Link', nextLink(linkTo(request, '/webhooks'), request.originalUrl, next));
    return { webhooks: await this.shown.of(page), next };
  }

  @Get(':webhookId')
  @ApiOperation({
    operationId: 'getWebhook',
    summary: 'Show a webhook',
    description:
      'What it is for, whether it is paused and why, how far it is behind, and how many deliveries wait or are given up.',
  })
  @ApiParam({ name: 'webhookId', example: EXAMPLE_WEBHOOK_ID })
  @ApiOkResponse({ description: 'The webhook', standardSchema: webhookSchema, headers: tagHeader })
  @ApiProblems('webhook-unknown', 'journal-unavailable')
  async show(
    @Param('webhookId', anyCase) id: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    return tagged(await this.webhooks.get(id, contextOf(request)), this.shown, response);
  }

  @Patch(':webhookId')
  @ApiOperation({
    operationId: 'changeWebhook',
    summary: 'Change, pause or resume a webhook',
    description:
      'Changes what the body names. Deliveries that wait go by what it says then, to another URL too. A webhook that was paused goes on with the first event that it was not told of: none is left out.',
  })
  @ApiParam({ name: 'webhookId', example: EXAMPLE_WEBHOOK_ID })
  @ApiHeader(requestHeaders.ifMatchOfWebhook)
  @ApiBody({
    schema: { $ref: '#/components/schemas/WebhookChange' },
    examples: {
      resume: { summary: 'Resume it', value: { paused: false } },
      all: { summary: 'Of runs of all tasks', value: { tasks: null } },
    },
  })
  @ApiOkResponse({
    description: 'The webhook as that leaves it',
    standardSchema: webhookSchema,
    headers: tagHeader,
  })
  @ApiProblems(
    'malformed-json',
    'invalid-request',
    'webhook-unknown',
    'precondition-failed',
    'journal-unavailable',
  )
  async change(
    @Param('webhookId', anyCase) id: string,
    @ValidBody(webhookChangeSchema) body: WebhookChange,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    const webhook = await this.webhooks.change(id, body, contextOf(request), expectedBy(request));
    return tagged(webhook, this.shown, response);
  }

  @Delete(':webhookId')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteWebhook',
    summary: 'Delete a webhook',
    description: 'Deletes it with all its deliveries, also those that wait: they are not made any more.',
  })
  @ApiParam({ name: 'webhookId', example: EXAMPLE_WEBHOOK_ID })
  @ApiNoContentResponse({ description: 'It is deleted' })
  @ApiProblems('webhook-unknown', 'journal-unavailable')
  async remove(@Param('webhookId', anyCase) id: string, @Req() request: Request): Promise<void> {
    await this.webhooks.remove(id, contextOf(request));
  }
}
