import { Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { KeepsToOwnRuns, NeedsScope } from '../access/needed-scope.decorator.js';
import { DomainError } from '../core/domain-error.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { cursorOf } from '../http/paging.js';
import { linkTo } from '../http/links.js';
import { linkHeader, nextLink } from '../http/next-link.js';
import {
  ApiBody,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '../http/open-api.js';
import { contextOf } from '../http/request-context.js';
import { ValidBody, ValidQuery } from '../http/validated.decorator.js';
import { anyCase } from '../tasks/run-id.pipe.js';
import { DeliveryRecords, deliveryView } from './delivery-records.js';
import {
  deliveriesQuerySchema,
  deliveryPageSchema,
  discardedSchema,
  discardQuerySchema,
  redriveSchema,
  redrivenSchema,
  targetQuerySchema,
  type DeliveriesQuery,
  type DeliveryFilter,
} from './deliveries.schemas.js';
import { EXAMPLE_WEBHOOK_ID } from './webhooks.schemas.js';

type Target = z.infer<typeof targetQuerySchema>;

const webhookParameter = {
  name: 'webhookId',
  description: 'The id of a webhook, or `runs` for those that runs have of their own.',
  example: EXAMPLE_WEBHOOK_ID,
};
const eventParameter = { name: 'event', schema: { type: 'integer' as const, example: 4_711 } };

@ApiTags('Webhooks')
@NeedsScope('webhooks:write', 'runs:read')
@KeepsToOwnRuns()
@Controller('webhooks/:webhookId')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveryRecords) {}

  @Get('deliveries')
  @ApiOperation({
    operationId: 'listDeliveries',
    summary: 'List the deliveries of a webhook',
    description:
      'Those that wait, those that are given up (`dead`), and the latest of those that are delivered, the newest event first. With a key that is good for its own runs, `runs` needs `runId`.',
  })
  @ApiParam(webhookParameter)
  @ApiOkResponse({
    description: 'A page of deliveries',
    standardSchema: deliveryPageSchema,
    headers: linkHeader,
  })
  @ApiProblems('invalid-request', 'webhook-unknown', 'run-unknown', 'journal-unavailable')
  async list(
    @Param('webhookId', anyCase) id: string,
    @ValidQuery(deliveriesQuerySchema) query: DeliveriesQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<z.input<typeof deliveryPageSchema>> {
    const { deliveries, next } = await this.deliveries.list(id, query, contextOf(request));
    const cursor = next ? cursorOf(next.event, next.target) : null;
    const link = linkTo(request, `/webhooks/${id}/deliveries`);
    if (cursor !== null) response.setHeader('Link', nextLink(link, request.originalUrl, cursor));
    const runs = linkTo(request, '/runs');
    return { deliveries: deliveries.map((delivery) => deliveryView(delivery, runs)), next: cursor };
  }

  @Delete('deliveries')
  @ApiOperation({
    operationId: 'discardDeliveries',
    summary: 'Delete dead deliveries of a webhook',
    description: 'Deletes those that are given up and that the query fits. What waits stays.',
  })
  @ApiParam(webhookParameter)
  @ApiOkResponse({ description: 'They are gone', standardSchema: discardedSchema })
  @ApiProblems('invalid-request', 'webhook-unknown', 'run-unknown', 'journal-unavailable')
  async discard(
    @Param('webhookId', anyCase) id: string,
    @ValidQuery(discardQuerySchema) filter: DeliveryFilter,
    @Req() request: Request,
  ): Promise<z.input<typeof discardedSchema>> {
    return { discarded: await this.deliveries.discard(id, filter, contextOf(request)) };
  }

  @Post('redrive')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'redriveDeliveries',
    summary: 'Redrive dead deliveries of a webhook',
    description:
      'Has those that are given up and that the body fits tried again, with as many attempts as at first. Of a paused webhook they wait until it goes on. Later events of their run may have been delivered before them.',
  })
  @ApiParam(webhookParameter)
  @ApiBody({
    schema: { $ref: '#/components/schemas/DeliveryFilter' },
    examples: {
      all: { summary: 'All of them', value: {} },
      run: { summary: 'Those of a run', value: { runId: EXAMPLE_RUN_ID } },
    },
  })
  @ApiOkResponse({ description: 'They are due', standardSchema: redrivenSchema })
  @ApiProblems('malformed-json', 'invalid-request', 'webhook-unknown', 'run-unknown', 'journal-unavailable')
  async redrive(
    @Param('webhookId', anyCase) id: string,
    @ValidBody(redriveSchema) filter: DeliveryFilter,
    @Req() request: Request,
  ): Promise<z.input<typeof redrivenSchema>> {
    return { redriven: await this.deliveries.redrive(id, filter, contextOf(request)) };
  }

  @Post('deliveries/:event/redrive')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'redriveDelivery',
    summary: 'Redrive a dead delivery',
    description: 'Has one that is given up tried again, with as many attempts as at first.',
  })
  @ApiParam(webhookParameter)
  @ApiParam(eventParameter)
  @ApiOkResponse({ description: 'It is due', standardSchema: redrivenSchema })
  @ApiProblems(
    'malformed-json',
    'invalid-request',
    'webhook-unknown',
    'delivery-unknown',
    'journal-unavailable',
  )
  async redriveOne(
    @Param('webhookId', anyCase) webhook: string,
    @Param('event') event: string,
    @ValidQuery(targetQuerySchema) { target }: Target,
    @Req() request: Request,
  ): Promise<z.input<typeof redrivenSchema>> {
    await this.deliveries.redriveOne({ webhook, event: numberOf(event), target }, contextOf(request));
    return { redriven: 1 };
  }

  @Delete('deliveries/:event')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'discardDelivery',
    summary: 'Delete a dead delivery',
    description: 'Deletes one that is given up. One that waits stays.',
  })
  @ApiParam(webhookParameter)
  @ApiParam(eventParameter)
  @ApiNoContentResponse({ description: 'It is gone' })
  @ApiProblems('invalid-request', 'webhook-unknown', 'delivery-unknown', 'journal-unavailable')
  async discardOne(
    @Param('webhookId', anyCase) webhook: string,
    @Param('event') event: string,
    @ValidQuery(targetQuerySchema) { target }: Target,
    @Req() request: Request,
  ): Promise<void> {
    await this.deliveries.discardOne({ webhook, event: numberOf(event), target }, contextOf(request));
  }
}

/** @throws {DomainError} `delivery-unknown` */
function numberOf(event: string): number {
  const number = /^\d{1,16}$/.test(event) ? Number(event) : NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new DomainError('delivery-unknown', `${JSON.stringify(event)} is no number of an event`);
}
