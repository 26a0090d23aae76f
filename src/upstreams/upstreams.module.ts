import { Module } from '@nestjs/common';
import { Upstreams } from './upstreams.js';

@Module({
  providers: [{ provide: Upstreams, useFactory: () => new Upstreams() }],
  exports: [Upstreams],
})
export class UpstreamsModule {}
