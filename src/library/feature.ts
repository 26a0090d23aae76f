import type { Type } from '@nestjs/common';
import type { HostProvider } from '../core/host-providers.js';

/** What a module gives an instance: its tasks and sub-tasks, and files of tasks. */
export class Feature {
  constructor(
    readonly instance: string,
    readonly classes: readonly Type[],
    readonly files: readonly string[],
  ) {}
}

/** The features of an instance among the providers of an application. */
export function featuresOf(instance: string, providers: readonly HostProvider[]): Feature[] {
  return features(providers).filter((feature) => feature.instance === instance);
}

/** The providers that may be tasks of an instance: those that no feature gives to another one. */
export function providersFor(instance: string, providers: readonly HostProvider[]): HostProvider[] {
  const others = features(providers).filter((feature) => feature.instance !== instance);
  const foreign = new Set<unknown>(others.flatMap(({ classes }) => classes));
  for (const { classes } of featuresOf(instance, providers)) for (const type of classes) foreign.delete(type);
  return providers.filter(({ metatype }) => !foreign.has(metatype));
}

function features(providers: readonly HostProvider[]): Feature[] {
  return providers.map(({ instance }) => instance).filter((instance) => instance instanceof Feature);
}
