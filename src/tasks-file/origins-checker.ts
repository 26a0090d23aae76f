import { dirname } from 'node:path';
import { PROXY_FORM, proxyUrl } from '../core/proxy-url.js';
import type { TemplateError } from '../upstreams/template-error.js';
import { environmentName, type Environment } from '../upstreams/template-text.js';
import { urlTemplate } from '../upstreams/environment-url.js';
import { originsSchema, type OriginOptions } from '../upstreams/origins.schema.js';
import { readTlsFiles } from '../upstreams/tls-files.js';
import type { OriginSettings } from '../upstreams/upstreams.js';
import { hint } from './issue-message.js';
import type { Mistake, Path } from './mistake.js';
import type { YamlSource } from './yaml-source.js';

const VARIABLE = /\$\{([^{}]*)\}/g;

/** Reads the settings of origins in a tasks file, and reports in `source` the mistakes that the schema can't find. */
export class OriginsChecker {
  /** The environment variables that the file names and that are not set. */
  readonly unset: Mistake[] = [];
  /** The name of each origin in the file. */
  private readonly names = new Map<string, string>();

  /** @param configured the origins that earlier files have configured, and where; this file's origins are added */
  constructor(
    private readonly source: YamlSource,
    private readonly environment: Environment,
    private readonly configured: Map<string, string>,
  ) {}

  /** The settings of each origin. */
  read(): Map<string, OriginSettings> {
    const settings = new Map<string, OriginSettings>();
    const value = (this.source.value as { readonly origins?: unknown } | null | undefined)?.origins;
    for (const [name, options] of Object.entries(originsSchema.safeParse(value).data ?? {})) {
      const path = ['origins', name];
      const origin = this.originOf(name, path);
      if (origin === undefined) continue;
      const other = this.configured.get(origin);
      if (other !== undefined) this.source.noteKey(path, `is the same origin as ${other}; write it once`);
      this.configured.set(origin, `${name} in ${this.source.file}`);
      this.names.set(origin, name);
      settings.set(origin, this.settingsOf(options, origin, path));
    }
    return settings;
  }

  /** Reports origins that no sub-task calls: their settings have no effect. */
  noteUncalled(called: ReadonlySet<string>): void {
    for (const [origin, name] of this.names)
      if (!called.has(origin))
        this.source.noteKey(['origins', name], `is called by no sub-task; ${hint(origin, [...called])}`);
  }

  private originOf(name: string, path: Path): string | undefined {
    if (!this.areSet(name, path)) return undefined;
    try {
      return urlTemplate(name, (variable) => this.environment[variable] ?? '').origin;
    } catch {
      this.source.noteKey(
        path,
        'is no origin with the values of its variables; it takes https://host, for example',
      );
      return undefined;
    }
  }

  private settingsOf({ proxy, tls, http2 }: OriginOptions, origin: string, path: Path): OriginSettings {
    const note = (member: string, message: string) => {
      this.source.note([...path, member], message);
    };
    if (!origin.startsWith('https:')) {
      if (tls) note('tls', 'is of no use to an origin of http; write https, or take it out');
      if (http2) note('http2', 'takes an origin of https; take it out');
      return { proxy: this.proxyOf(proxy, path) };
    }
    const { texts, issues } = tls ? readTlsFiles(tls, dirname(this.source.file)) : {};
    for (const { member, message } of issues ?? []) this.source.note([...path, 'tls', member], message);
    return { proxy: this.proxyOf(proxy, path), tls: texts, http2 };
  }

  private proxyOf(proxy: string | undefined, path: Path): OriginSettings['proxy'] {
    const here = [...path, 'proxy'];
    if (proxy === undefined || proxy === 'none') return proxy && null;
    if (!this.areSet(proxy, here)) return undefined;
    const url = proxyUrl(proxy.replace(VARIABLE, (_all, name: string) => this.environment[name] ?? ''));
    if (url === undefined)
      this.source.note(here, `is no proxy with the values of its variables; it ${PROXY_FORM}`);
    return url;
  }

  /** Whether all variables in a text are set. Reports those that aren't. */
  private areSet(text: string, path: Path): boolean {
    for (const [, name = ''] of text.matchAll(VARIABLE)) {
      try {
        environmentName(name);
      } catch (error) {
        this.source.note(path, (error as TemplateError).message);
        return false;
      }
      if (this.environment[name]) continue;
      const message = `takes the environment variable ${name}, which is not set; set it`;
      this.unset.push(this.source.mistakeAt(path, message));
      return false;
    }
    return true;
  }
}
