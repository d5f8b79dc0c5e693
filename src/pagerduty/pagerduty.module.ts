import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpModule } from '@nestjs/axios';
import { Module, type DynamicModule } from '@nestjs/common';
import { PAGERDUTY_OPTIONS, type PagerDutyOptions } from './pagerduty-options';
import { PagerDutyProvider } from './pagerduty-provider';

// Longer than any call, and shorter than load balancers keep an idle connection: a write on a connection that the
// other side has just closed has an unknown outcome.
const IDLE_SOCKET_MS = 15_000;

@Module({
  imports: [
    HttpModule.register({
      timeout: 10_000,
      httpAgent: new HttpAgent({ keepAlive: true, timeout: IDLE_SOCKET_MS }),
      httpsAgent: new HttpsAgent({ keepAlive: true, timeout: IDLE_SOCKET_MS }),
    }),
  ],
  providers: [PagerDutyProvider],
  exports: [PagerDutyProvider],
})
export class PagerDutyModule {
  /** Unset options keep their defaults. */
  static forRoot(options: PagerDutyOptions): DynamicModule {
    return {
      module: PagerDutyModule,
      providers: [{ provide: PAGERDUTY_OPTIONS, useValue: options }],
    };
  }
}
