import { ConfigService } from '@nestjs/config';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule } from '@nestjs/swagger';
import type { Express } from 'express';
import type { Config } from './config/config.js';
import type { FastExpressAdapter } from './http/express-adapter.js';
import { jsonBody } from './http/json-body.js';
import { allowedMethods, createOpenApiDocument } from './http/openapi.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ValidationPipe } from './http/validation.pipe.js';
import { TasksService } from './tasks/tasks.service.js';

/** What the service and its e2e tests share: pipes, filters, documentation, the stop. */
export function setUp(app: NestExpressApplication, adapter: FastExpressAdapter): void {
  const config = app.get<ConfigService<Config, true>>(ConfigService);
  const tasks = app.get(TasksService);
  const document = createOpenApiDocument(app);
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Frontrunner',
  });
  const express = adapter.getInstance<Express>();
  express.get('/', (_request, response) => {
    response.redirect('/docs');
  });
  express.post('/tasks/:name/runs', ...jsonBody(config.get('MAX_INPUT_BYTES', { infer: true })));
  adapter.beforeStop = () => tasks.stop();
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter(allowedMethods(document)));
}
