import { Inject, Injectable, Optional } from '@nestjs/common';
import { Breakers, type BreakerState as State } from '../run/breakers.js';
import { Telemetry } from './telemetry.js';

const VALUES: Readonly<Record<State, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** Reports the states of this process's breakers. */
@Injectable()
export class BreakerState {
  constructor(telemetry: Telemetry, @Optional() @Inject(Breakers) breakers: Breakers | null = null) {
    telemetry.states.push((tell) => {
      for (const { upstream, state, opened } of breakers?.states() ?? []) {
        tell('frontrunner.breaker.state', VALUES[state], upstream);
        tell('frontrunner.breaker.opened', opened, upstream);
      }
    });
  }
}
