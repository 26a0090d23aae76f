import { Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { KeepsToOwnRuns, NeedsScope } from '../access/needed-scope.decorator.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { requestHeaders } from '../http/headers.js';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '../http/open-api.js';
import { contextOf } from '../http/request-context.js';
import { ValidBody } from '../http/validated.decorator.js';
import { anyCase } from '../tasks/run-id.pipe.js';
import { reportView } from './delivery-records.js';
import { testedSchema } from './deliveries.schemas.js';
import { ShownWebhooks } from './shown-webhooks.js';
import { expectedBy, tagged, tagHeader } from './webhook-answers.js';
import { Webhooks } from './webhooks.js';
import {
  EXAMPLE_WEBHOOK_ID,
  rotationSchema,
  webhookWithSecretSchema,
  type Rotation,
} from './webhooks.schemas.js';

/** Actions on a webhook besides changing it. */
@ApiTags('Webhooks')
@NeedsScope('webhooks:write', 'runs:read')
@KeepsToOwnRuns()
@Controller('webhooks/:webhookId')
export class WebhookActionsController {
  constructor(
    private readonly webhooks: Webhooks,
    private readonly shown: ShownWebhooks,
  ) {}

  @Post('rotate-secret')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'rotateWebhookSecret',
    summary: 'Rotate the secret of a webhook',
    description:
      'Signs with a new secret, and for a while with the one before it too: both signatures stand in `webhook-signature`. No more than two are good at a time. The answer shows the new one, this once. Bring the secret yourself where the request may have to be repeated.',
  })
  @ApiParam({ name: 'webhookId', example: EXAMPLE_WEBHOOK_ID })
  @ApiHeader(requestHeaders.ifMatchOfWebhook)
  @ApiBody({
    schema: { $ref: '#/components/schemas/SecretRotation' },
    examples: { day: { summary: 'Both are good for a day', value: { overlap: '24h' } } },
  })
  @ApiOkResponse({
    description: 'It signs with the new secret',
    standardSchema: webhookWithSecretSchema,
    headers: tagHeader,
  })
  @ApiProblems(
    'malformed-json',
    'invalid-request',
    'webhook-unknown',
    'precondition-failed',
    'webhooks-off',
    'journal-unavailable',
  )
  async rotate(
    @Param('webhookId', anyCase) id: string,
    @ValidBody(rotationSchema) body: Rotation,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { webhook, secret } = await this.webhooks.rotate(id, body, contextOf(request), expectedBy(request));
    return { ...(await tagged(webhook, this.shown, response)), secret };
  }

  @Post('test')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'testWebhook',
    summary: 'Test a webhook',
    description:
      'Sends an event of the type `webhook.test` at once, signed as all are, and answers with what came of it. It is not tried again, and takes 30 seconds at most. A paused webhook can be tested too.',
  })
  @ApiParam({ name: 'webhookId', example: EXAMPLE_WEBHOOK_ID })
  @ApiOkResponse({
    description: 'What came of it, whether it was delivered or not',
    standardSchema: testedSchema,
  })
  @ApiProblems('malformed-json', 'invalid-request', 'webhook-unknown', 'overloaded', 'journal-unavailable')
  async test(
    @Param('webhookId', anyCase) id: string,
    @Req() request: Request,
  ): Promise<z.input<typeof testedSchema>> {
    const report = await this.webhooks.test(id, contextOf(request));
    return { delivered: report.error === undefined, ...reportView(report) };
  }
}
