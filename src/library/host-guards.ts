import { Scope, UseGuards, type CanActivate, type Type } from '@nestjs/common';
import {
  APP_GUARD,
  ContextIdFactory,
  type ContextId,
  type ExternalContextCreator,
  type ModuleRef,
  type ModulesContainer,
} from '@nestjs/core';

type Admit = (request: unknown, response: unknown) => Promise<unknown>;
type Guard = CanActivate | Type<CanActivate>;
/** A guard, or the token of a guard that is made for each request. */
type Found = Guard | string;

/** Runs the global guards of an application, and then the guards of an instance, as Nest does before a controller. */
export class HostGuards {
  private run: Admit | undefined;

  constructor(
    private readonly guards: readonly Guard[],
    private readonly container: ModulesContainer,
    private readonly contexts: ExternalContextCreator,
    private readonly modules: ModuleRef,
  ) {}

  /** Finds or makes the guards. @throws Nest's error where a guard can’t be made */
  async prepare(): Promise<void> {
    // Nest runs only guards that are made once; it has the others under such a name.
    const madeForEach = [...this.container.values()]
      .flatMap(({ injectables }) => [...injectables.keys()])
      .filter((token): token is string => typeof token === 'string' && token.startsWith(APP_GUARD));
    const found = [...madeForEach, ...(await Promise.all(this.guards.map((guard) => this.find(guard))))];
    if (found.every(isMade)) {
      this.run = this.runOf(found);
      return;
    }
    this.run = async (request, response) => {
      const id = ContextIdFactory.getByRequest(request as object);
      this.modules.registerRequestByContextId(request, id);
      const made = await Promise.all(found.map((guard) => this.make(guard, id)));
      return this.runOf(made)(request, response);
    };
  }

  /** Resolves when all guards let a request in. @throws the error of the first guard that doesn’t */
  async admit(request: unknown, response: unknown): Promise<void> {
    await this.run?.(request, response);
  }

  private async find(guard: Guard): Promise<Found> {
    if (typeof guard !== 'function') return guard;
    let scope: Scope;
    try {
      ({ scope } = this.modules.introspect(guard));
    } catch {
      // No module provides this class.
      return this.modules.create(guard);
    }
    return scope === Scope.DEFAULT ? this.modules.get<CanActivate>(guard, { strict: false }) : guard;
  }

  private async make(guard: Found, id: ContextId): Promise<CanActivate> {
    return isMade(guard) ? guard : this.modules.resolve<CanActivate>(guard, id, { strict: false });
  }

  private runOf(guards: readonly CanActivate[]): Admit {
    @UseGuards(...guards)
    class FrontrunnerHttp {
      readonly enter = (): true => true;
    }
    const door = new FrontrunnerHttp();
    const only = { guards: true, interceptors: false, filters: false };
    const none = undefined;
    return this.contexts.create(door, door.enter, 'enter', none, none, none, none, only, 'http');
  }
}

function isMade(guard: Found): guard is CanActivate {
  return typeof guard === 'object';
}
