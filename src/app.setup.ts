import { ConfigService } from '@nestjs/config';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule } from '@nestjs/swagger';
import type { Config } from './config/config.js';
import { jsonBody } from './http/json-body.js';
import { allowedMethods, createOpenApiDocument } from './http/openapi.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ValidationPipe } from './http/validation.pipe.js';

/** What the service and its e2e tests share: pipes, filters, documentation, shutdown hooks. */
export function setUp(app: NestExpressApplication): void {
  const config = app.get<ConfigService<Config, true>>(ConfigService);
  const document = createOpenApiDocument(app);
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Frontrunner',
  });
  app.use('/tasks', ...jsonBody(config.get('MAX_INPUT_BYTES', { infer: true })));
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter(allowedMethods(document)));
}
