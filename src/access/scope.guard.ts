import { ForbiddenException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { contextOf } from '../http/request-context.js';
import { challenge } from './challenge.js';
import type { KeyRing } from './key-ring.js';
import { KEEPS_TO_OWN_RUNS, NEEDED_SCOPE } from './needed-scope.decorator.js';
import { isOpenToAll } from './open-paths.js';
import { defaultScope, type NeededScope, type Scope } from './scope.js';

/** Refuses a caller whose key hasn't the scope that an operation needs, and keeps one that has it for its own runs to those. */
export class ScopeGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly keys: KeyRing) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    if (isOpenToAll(request.path)) return true;
    const targets = [context.getHandler(), context.getClass()];
    const declared = this.reflector.getAllAndOverride<NeededScope | null | undefined>(NEEDED_SCOPE, targets);
    const needed = declared === undefined ? defaultScope(request.method) : declared;
    const caller = contextOf(request);
    const { client = '' } = caller;
    const scopes = this.keys.client(client)?.scopes;
    if (needed === null || scopes?.has(needed)) return true;
    if (
      scopes?.has(`${needed}:own` as Scope) &&
      this.reflector.getAllAndOverride(KEEPS_TO_OWN_RUNS, targets) === true
    ) {
      caller.onlyClient = caller.clientId;
      return true;
    }
    const response = context.switchToHttp().getResponse<Response>();
    response.setHeader('WWW-Authenticate', challenge('insufficient_scope', needed));
    throw new ForbiddenException(`The API key ${client} has not the scope ${needed}`);
  }
}
