/** `npm run bench`: measures this service, next to what it began from and to the floor of its platform. */
import os from 'node:os';
import { OPTIONS_HELP, readCommandLine, type Options } from './options.ts';
import { coalescing } from './scenarios/coalescing.ts';
import { fairness } from './scenarios/fairness.ts';
import { fanIn } from './scenarios/fan-in.ts';
import { history } from './scenarios/history.ts';
import { http } from './scenarios/http.ts';
import { loopDelay } from './scenarios/loop-delay.ts';
import { nodes } from './scenarios/nodes.ts';
import { breakers } from './scenarios/breakers.ts';
import { order } from './scenarios/order.ts';
import { peers } from './scenarios/peers.ts';
import { readers } from './scenarios/readers.ts';
import { recovery } from './scenarios/recovery.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { store } from './scenarios/store.ts';
import { streams } from './scenarios/streams.ts';
import { tail } from './scenarios/tail.ts';
import { telemetry } from './scenarios/telemetry.ts';
import { throughput } from './scenarios/throughput.ts';
import { webhooks } from './scenarios/webhooks.ts';
import { publish } from './support/results.ts';
import { Stage } from './support/stage.ts';

const SCENARIOS: readonly Scenario[] = [
  throughput,
  fanIn,
  loopDelay,
  store,
  history,
  recovery,
  readers,
  tail,
  http,
  nodes,
  telemetry,
  webhooks,
  streams,
  coalescing,
  order,
  peers,
  fairness,
  breakers,
];

const USAGE = `node bench/main.ts [all|${SCENARIOS.map(({ name }) => name).join('|')}] [options]

${SCENARIOS.map(({ name, summary }) => `${name}: ${summary}`).join('\n')}

${OPTIONS_HELP}`;

async function main(): Promise<void> {
  const { what, options } = readCommandLine(process.argv.slice(2));
  if (what === 'help') {
    console.log(USAGE);
    return;
  }
  const chosen = SCENARIOS.filter(({ name }) => what === 'all' || what === name);
  if (chosen.length === 0) throw new Error(`There is no scenario "${what}". Try --help.`);
  warnOfOtherWork();
  for (const scenario of chosen) await play(scenario, options);
}

function warnOfOtherWork(): void {
  const [load = 0] = os.loadavg();
  if (load < 0.5) return;
  console.error(
    `Caution: the load average is ${load.toFixed(1)}. Other work makes all figures worse, and latencies most of all.`,
  );
}

async function play(scenario: Scenario, options: Options): Promise<void> {
  const stage = new Stage();
  const interrupt = (signal: NodeJS.Signals) => {
    stage.abort(new Error(`Ended by ${signal}; nothing was saved.`));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    const report = await scenario.play(stage, options);
    publish(stage, report, options);
  } catch (error) {
    // The waits end with an AbortError that says nothing; the reason for the abort does.
    throw stage.signal.aborted ? stage.signal.reason : error;
  } finally {
    await stage.clear();
    for (const signal of signals) process.off(signal, interrupt);
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
