import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { parseConfig } from './config/config.js';
import { FastExpressAdapter } from './http/express-adapter.js';
import { createOpenApiDocument } from './api/openapi.js';

/** Writes the OpenAPI document of the service to openapi.json, for review. Starts nothing: Nest's preview makes no provider. */
const app = await NestFactory.create(AppModule.with(parseConfig({})), new FastExpressAdapter(), {
  preview: true,
  abortOnError: false,
  logger: ['error'],
});
writeFileSync('openapi.json', `${JSON.stringify(createOpenApiDocument(app), undefined, 2)}\n`);
