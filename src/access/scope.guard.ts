import { ForbiddenException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { contextOf } from '../http/request-context.js';
import { challenge } from './challenge.js';
import type { KeyRing } from './key-ring.js';
import { KEEPS_TO_OWN_RUNS, NEEDED_SCOPE } from './needed-scope.decorator.js';
import { isOpenToAll } from './open-paths.js';
import { defaultScopes, type NeededScope, type Scope } from './scope.js';

/** Refuses a caller whose key lacks a scope that the operation needs. Limits a caller to its own runs if its scope is for these only. */
export class ScopeGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly keys: KeyRing) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    if (isOpenToAll(request.path)) return true;
    const targets = [context.getHandler(), context.getClass()];
    const needed =
      this.reflector.getAllAndOverride<readonly NeededScope[] | undefined>(NEEDED_SCOPE, targets) ??
      defaultScopes(request.method);
    const caller = contextOf(request);
    const { client = '' } = caller;
    const scopes = this.keys.client(client)?.scopes;
    for (const scope of needed) {
      if (scopes?.has(scope)) continue;
      if (!scopes?.has(`${scope}:own` as Scope) || !this.keepsToOwnRuns(targets)) {
        const response = context.switchToHttp().getResponse<Response>();
        response.setHeader('WWW-Authenticate', challenge('insufficient_scope', scope));
        throw new ForbiddenException(`The API key ${client} has not the scope ${scope}`);
      }
      caller.onlyClient = caller.clientId;
    }
    return true;
  }

  private keepsToOwnRuns(targets: Parameters<Reflector['getAllAndOverride']>[1]): boolean {
    return this.reflector.getAllAndOverride(KEEPS_TO_OWN_RUNS, targets) === true;
  }
}
