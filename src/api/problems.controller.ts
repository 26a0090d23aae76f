import { Controller, Get, Header, Param, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiResponse, ApiTags } from '../http/open-api.js';
import type { Request } from 'express';
import { NeedsAnyKey } from '../access/needed-scope.decorator.js';
import { DomainError } from '../core/domain-error.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { CACHE_AN_HOUR } from '../http/common-headers.js';
import type { ProblemType } from '../http/problem-type.js';
import { problemTypes } from '../http/problems.js';

const types = new Map<string, ProblemType>(Object.entries(problemTypes));

/** Express answers so to `If-None-Match: *` (RFC 9110, 13.1.2). */
const NOT_MODIFIED = { status: 304, description: 'The caller said that it has the page' };

@NeedsAnyKey()
@ApiTags('Problems')
@Controller('problems')
export class ProblemsController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', CACHE_AN_HOUR)
  @ApiOperation({
    operationId: 'listProblemTypes',
    summary: 'List the problem types',
    description: 'A page that lists every problem type.',
  })
  @ApiOkResponse({
    description: 'The list',
    content: { 'text/html': { schema: { type: 'string' }, example: '<h1>Problems</h1>' } },
  })
  @ApiResponse(NOT_MODIFIED)
  list(@Req() request: Request): string {
    const items = [...types].map(
      ([code, { status, title }]) =>
        `<li><a href="${rootFrom(request, 1)}problems/${code}">${title}</a> (${String(status)})</li>`,
    );
    return page('Problems', `<ul>${items.join('')}</ul>`);
  }

  @Get(':code')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', CACHE_AN_HOUR)
  @ApiOperation({
    operationId: 'getProblemType',
    summary: 'Explain a problem type',
    description: 'The page that the `type` of a problem document leads to: what happened, and what to do.',
  })
  @ApiParam({ name: 'code', schema: { type: 'string', enum: [...types.keys()], example: 'run-failed' } })
  @ApiOkResponse({
    description: 'The page',
    content: { 'text/html': { schema: { type: 'string' }, example: '<h1>Run failed</h1>' } },
  })
  @ApiResponse(NOT_MODIFIED)
  @ApiProblems('not-found')
  explain(@Param('code') code: string, @Req() request: Request): string {
    const type = types.get(code);
    if (!type)
      throw new DomainError(
        'not-found',
        `There is no problem type ${JSON.stringify(code)}; GET /problems lists those there are`,
      );
    return page(
      `${type.title} (${String(type.status)})`,
      `<h2>What happened</h2><p>${type.happened}</p><h2>What to do</h2><p>${type.mend}</p><p><a href="${rootFrom(request, 2)}problems">All problems</a></p>`,
    );
  }
}

/** The way to the root from a path of so many steps: such a link holds behind any prefix, so the page may be stored. */
function rootFrom({ path }: Request, steps: number): string {
  return '../'.repeat(path.endsWith('/') ? steps : steps - 1);
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}</style><h1>${title}</h1>${body}</html>`;
}
