import { expect } from '@jest/globals';
import type { Response } from 'supertest';
import type { Problem, ProblemCode } from '../../src/http/problems.js';
import type { TestApp } from './test-app.js';

/** Traces of the service's own code, which are nothing to a caller. */
export const INTERNALS = /\n? {4}at |node_modules|file:\/\/|\.[jt]s:\d+|ZodError/;

/**
 * Proves that a response is a problem document in every respect, down to the page that its `type` leads to.
 *
 * @returns the members that only some problems have
 */
export async function expectProblem(
  service: TestApp,
  response: Response,
  status: number,
  code: ProblemCode,
): Promise<Record<string, unknown>> {
  expect(response.text).toContain(`"${service.base}/problems/${code}"`);
  expect(response.status).toBe(status);
  expect(response.get('Content-Type')).toBe('application/problem+json; charset=utf-8');
  expect(response.text).not.toMatch(INTERNALS);
  const { type, title, status: written, detail, instance, ...extensions } = response.body as Problem;
  expect({ type, written }).toEqual({ type: `${service.base}/problems/${code}`, written: status });
  expect(detail).toMatch(/\S/);
  expect(instance).toBe(pathOf(response));
  const page = await service.http
    .get(type.slice(service.base.length))
    .expect(200)
    .expect('Content-Type', 'text/html; charset=utf-8');
  expect(page.text).toContain(`<h1>${title} (${status})</h1>`);
  return extensions;
}

function pathOf({ request }: Response): string {
  return (request as { url: string }).url.replace(/^https?:\/\/[^/]+/, '').split('?', 1)[0]!;
}
