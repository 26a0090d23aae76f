// A receiver with Nest.   npm i @nestjs/common @nestjs/core @nestjs/platform-express standardwebhooks
import { DatabaseSync } from 'node:sqlite';
import {
  BadRequestException,
  Controller,
  HttpCode,
  Injectable,
  Logger,
  Module,
  Post,
  Req,
  type RawBodyRequest,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request } from 'express';
import { Webhook } from 'standardwebhooks';

@Injectable()
class Inbox {
  /** Who does the work reads it at the same time: the insert waits for that. */
  private readonly database = new DatabaseSync(process.env.INBOX ?? 'inbox.db', { timeout: 5_000 });

  constructor() {
    this.database.exec('CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, event TEXT NOT NULL)');
  }

  /** The id is the key, so an event that comes twice is kept once. It is on disk when this returns. */
  keep(id: string, event: string): void {
    this.database
      .prepare('INSERT INTO inbox (id, event) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .run(id, event);
  }
}

@Controller('webhooks')
class WebhooksController {
  private readonly webhook = new Webhook(process.env.WEBHOOK_SECRET ?? '');

  constructor(private readonly inbox: Inbox) {}

  @Post()
  @HttpCode(204)
  receive(@Req() { headers, rawBody = Buffer.of() }: RawBodyRequest<Request>): void {
    try {
      // It also refuses what was sent more than five minutes ago.
      this.webhook.verify(rawBody, headers as Record<string, string>);
    } catch {
      throw new BadRequestException('The signature is wrong');
    }
    // The work is done from the table: the sender waits for no more than the insert.
    this.inbox.keep(String(headers['webhook-id']), rawBody.toString());
  }
}

@Module({ controllers: [WebhooksController], providers: [Inbox] })
class ReceiverModule {}

// The signature is that of the bytes: rawBody keeps them beside what Nest parses.
const app = await NestFactory.create<NestExpressApplication>(ReceiverModule, { rawBody: true });
app.useBodyParser('json', { type: ['application/json', 'application/cloudevents+json'], limit: '10mb' });
await app.listen(Number(process.env.PORT ?? 4000), '127.0.0.1');
new Logger('Receiver').log(`Listening on ${await app.getUrl()}/webhooks`);
