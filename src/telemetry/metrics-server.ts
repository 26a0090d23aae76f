import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, ConfigError, type Config } from '../config/config.js';
import { loggerOf } from '../core/logger-of.js';
import { textOf } from '../core/thrown.js';
import { PROMETHEUS_TEXT } from './prometheus-meter.js';
import { Scrapes } from './scrapes.js';

/** More than any scraper has. */
const MAX_CONNECTIONS = 20;

/** Answers `GET /metrics`, and nothing else, on a port of its own. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = loggerOf('telemetry');
  private readonly server = createServer((request, response) => {
    this.answer(request, response);
  });

  constructor(
    private readonly scrapes: Scrapes,
    @Inject(CONFIG) private readonly config: Pick<Config, 'METRICS_PORT' | 'METRICS_HOST'>,
  ) {
    this.server.maxConnections = MAX_CONNECTIONS;
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
    const { port: listening } = this.server.address() as AddressInfo;
    this.logger.log(`Metrics: http://${host.includes(':') ? `[${host}]` : host}:${listening}/metrics`);
  }

  async onApplicationShutdown(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private answer({ method = '', url = '' }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Cache-Control', 'no-store');
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
