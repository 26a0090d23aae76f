import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { METRICS, type MetricType } from '../../../src/telemetry/metrics.js';
import { prometheusName } from '../../../src/telemetry/prometheus-meter.js';
import { ROOT } from '../../support/type-check.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const metrics = Object.entries<MetricType>(METRICS);

/** The series of each metric, with the labels that they have. */
const series = new Map<string, readonly string[]>();
for (const [name, { kind, unit, attributes }] of metrics) {
  const base = prometheusName(name, unit, kind === 'counter');
  const labels = ['instance', ...attributes.map((attribute) => attribute.replaceAll('.', '_'))];
  if (kind !== 'histogram') series.set(base, labels);
  else for (const part of ['bucket', 'sum', 'count']) series.set(`${base}_${part}`, [...labels, 'le']);
}

/** The names in expressions that are of no metric, and the labels that their metric hasn’t. */
function mistakesOf(expressions: readonly string[]): string[] {
  return expressions.flatMap((expression) => {
    const names = expression.match(/\b(frontrunner|http|nodejs|v8js)_\w+(?=[{[)\s]|$)/g) ?? [];
    const known = names.filter((name) => series.has(name));
    const labels = known.flatMap((name) => series.get(name)!);
    const wanted = [
      ...expression.matchAll(/\{([^{}]*)\}/g),
      ...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g),
    ].flatMap(([, list = '']) => list.match(/(?<=^|,)\s*\w+/g) ?? []);
    const isLabel = (name: string) => [...series.values()].some((each) => each.includes(name));
    const unknown = names.filter((name) => !series.has(name) && !isLabel(name));
    const missing = wanted
      .map((label) => label.trim())
      .filter((label) => known.length > 0 && !labels.includes(label));
    return [...unknown, ...missing].map((name) => `${name} in ${expression}`);
  });
}

describe('the documents about metrics', () => {
  test('have all metrics in their table, with unit and attributes', () => {
    const rows = [...read('docs/guide/metrics.md').matchAll(/^\| `(\S+)` +\| (.*) \|$/gm)].map(
      ([, name, rest]) => [name, rest!.split(' | ').map((cell) => cell.trim())],
    );
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(
        metrics.map(([name, { kind, unit, attributes, description }]) => [
          name,
          [kind, unit && `\`${unit}\``, attributes.map((each) => `\`${each}\``).join(', '), description],
        ]),
      ),
    );
  });

  test('find in a dashboard and in alerts the names that are none', () => {
    expect(
      mistakesOf(['rate(frontrunner_runs_begun_total[5m])', 'frontrunner_runs_active{task="a"}']),
    ).toHaveLength(2);
  });

  test('have a dashboard of metrics that there are', () => {
    const { panels } = JSON.parse(read('docs/grafana-dashboard.json')) as {
      panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(mistakesOf(expressions)).toEqual([]);
    expect(
      [...series.keys()].filter((name) => expressions.some((each) => each.includes(name))).length,
    ).toBeGreaterThan(25);
  });

  test('have alerts on metrics that there are', () => {
    const [, yaml = ''] = /^```yaml\n([^]*?)^```$/m.exec(read('docs/guide/alerts.md')) ?? [];
    const { groups } = parse(yaml) as {
      groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
    };
    const expressions = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(10);
    expect(mistakesOf(expressions)).toEqual([]);
  });
});
