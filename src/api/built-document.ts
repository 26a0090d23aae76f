import { existsSync, readFileSync } from 'node:fs';
import type { INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';

/** Where `npm run build` writes it. */
const FILE = new URL('../openapi.json', import.meta.url);

/** The OpenAPI document of the service as the build made it: to make it takes a third of a start. It is made where the build left none. */
export async function builtDocument(app: INestApplication): Promise<OpenAPIObject> {
  if (existsSync(FILE)) return JSON.parse(readFileSync(FILE, 'utf8')) as OpenAPIObject;
  const { createOpenApiDocument } = await import('./openapi.js');
  return createOpenApiDocument(app);
}
