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
/** A guard, or what one is provided under that is made for each request. */
type Found = Guard | string;

/** The global guards of an application, and behind them those of an instance, run as Nest runs them before a controller. */
export class HostGuards {
  private run: Admit | undefined;

  constructor(
    private readonly guards: readonly Guard[],
    private readonly container: ModulesContainer,
    private readonly contexts: ExternalContextCreator,
    private readonly modules: ModuleRef,
  ) {}

  /** Finds the guards, or makes them. @throws what Nest throws where one can’t be made */
  async prepare(): Promise<void> {
    // Nest itself runs those alone that are made once; the others it has under such a name.
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

  /** Resolves when all guards let a request in. @throws what the first of them throws that doesn’t */
  async admit(request: unknown, response: unknown): Promise<void> {
    await this.run?.(request, response);
  }

  private async find(guard: Guard): Promise<Found> {
    if (typeof guard !== 'function') return guard;
    let scope: Scope;
    try {
      ({ scope } = this.modules.introspect(guard));
    } catch {
      // Nobody provides it.
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
