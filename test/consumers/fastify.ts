import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';

export function makeApp(): Promise<INestApplication> {
  return NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error', 'warn'] });
}
