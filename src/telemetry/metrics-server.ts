import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { isLoopbackAddress } from '../access/exposure.js';
import { HostNames } from '../access/host-names.js';
import { CONFIG, ConfigError, type Config } from '../config/config.js';
import { loggerOf } from '../core/logger-of.js';
import { textOf } from '../core/thrown.js';
import { PROMETHEUS_TEXT } from './prometheus-meter.js';
import { Scrapes } from './scrapes.js';

/** More than any scraper has. */
const MAX_CONNECTIONS = 20;
/** A connection is closed after this long without a byte, in milliseconds, so that idle connections don't keep scrapers out. */
const SILENCE_MS = 5_000;

/** Answers `GET /metrics`, and nothing else, on a port of its own. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = loggerOf('telemetry');
  /** The valid host names, if only this machine can connect. Otherwise a web page could reach this port through a name of its own. */
  private names: HostNames | undefined;
  private readonly server = createServer((request, response) => {
    this.answer(request, response);
  });

  constructor(
    private readonly scrapes: Scrapes,
    @Inject(CONFIG) private readonly config: Pick<Config, 'METRICS_PORT' | 'METRICS_HOST' | 'ALLOWED_HOSTS'>,
  ) {
    this.server.maxConnections = MAX_CONNECTIONS;
    this.server.timeout = SILENCE_MS;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { METRICS_PORT: port, METRICS_HOST: host } = this.config;
    this.server.listen(port ?? 0, host);
    try {
      await once(this.server, 'listening');
    } catch (error) {
      throw new ConfigError([
        `METRICS_PORT ${String(port)} on ${host} can’t be listened on (${textOf(error)}); set METRICS_PORT to a free port, and METRICS_HOST to an address of this machine`,
      ]);
    }
    const { port: listening, address } = this.server.address() as AddressInfo;
    if (isLoopbackAddress(address)) this.names = new HostNames(host, this.config.ALLOWED_HOSTS);
    this.logger.log(`Metrics: http://${host.includes(':') ? `[${host}]` : host}:${listening}/metrics`);
  }

  async onApplicationShutdown(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private answer({ method = '', url = '', headers }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Cache-Control', 'no-store');
    if (this.names && !this.names.has(headers.host ?? '')) {
      response
        .writeHead(421, { 'Content-Type': 'text/plain' })
        .end('Call it by its address or localhost, or name the host in ALLOWED_HOSTS\n');
      return;
    }
    if (!/^\/metrics\/?(\?.*)?$/.test(url)) {
      response
        .writeHead(404, { 'Content-Type': 'text/plain' })
        .end('There is /metrics here, and nothing else\n');
      return;
    }
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      return;
    }
    const text = this.scrapes.text();
    response.setHeader('Content-Type', `${PROMETHEUS_TEXT}; charset=utf-8`);
    response.setHeader('Content-Length', Buffer.byteLength(text));
    response.end(text);
  }
}
