import { ForbiddenException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { contextOf } from '../http/request-context.js';
import { isOpenToAll } from './access-control.js';
import { challenge } from './challenge.js';
import type { KeyRing } from './key-ring.js';
import { NEEDED_SCOPE } from './needed-scope.decorator.js';
import { defaultScope, type Scope } from './scope.js';

/** Refuses a caller whose key hasn't the scope that an operation needs. */
export class ScopeGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly keys: KeyRing) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    if (isOpenToAll(request.path)) return true;
    const declared = this.reflector.getAllAndOverride<Scope | null | undefined>(NEEDED_SCOPE, [
      context.getHandler(),
      context.getClass(),
    ]);
    const needed = declared === undefined ? defaultScope(request.method) : declared;
    const { client } = contextOf(request);
    if (needed === null || (client !== undefined && this.keys.client(client)?.scopes.has(needed)))
      return true;
    const response = context.switchToHttp().getResponse<Response>();
    response.setHeader('WWW-Authenticate', challenge('insufficient_scope', needed));
    throw new ForbiddenException(`The API key ${client ?? ''} has not the scope ${needed}`);
  }
}
