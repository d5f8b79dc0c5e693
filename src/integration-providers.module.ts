import { type DynamicModule, Module } from '@nestjs/common';
import type { IntegrationProvider } from './integrations/provider/integration-provider';
import { INTEGRATION_PROVIDERS } from './integrations/provider/provider-registry';
import type { PagerDutyOptions } from './pagerduty/pagerduty-options';
import { PagerDutyModule } from './pagerduty/pagerduty.module';
import { PagerDutyProvider } from './pagerduty/pagerduty-provider';

/** The only place that registers targets. A new target is one more import and one more name in `inject`. */
@Module({})
export class IntegrationProvidersModule {
  static forRoot(pagerDuty: PagerDutyOptions): DynamicModule {
    return {
      module: IntegrationProvidersModule,
      imports: [PagerDutyModule.forRoot(pagerDuty)],
      providers: [
        {
          provide: INTEGRATION_PROVIDERS,
          useFactory: (...providers: IntegrationProvider[]) => providers,
          inject: [PagerDutyProvider],
        },
      ],
      exports: [INTEGRATION_PROVIDERS],
    };
  }
}
