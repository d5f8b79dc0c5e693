import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AdminApiModule } from './admin-api/admin-api.module';
import { AuditModule } from './audit/audit.module';
import { SETTINGS, type Settings } from './config/settings';
import { VERSION } from './config/version';
import { DatabaseModule } from './database/database.module';
import { DirectoryModule } from './directory/directory.module';
import { ENTITIES } from './entities';
import { HttpErrorFilter } from './http-error.filter';
import { IntegrationProvidersModule } from './integration-providers.module';
import { IntegrationsModule } from './integrations/integrations.module';
import { ObservabilityModule } from './observability/observability.module';
import { ProvisioningModule } from './provisioning/provisioning.module';
import { ScimModule } from './scim/scim.module';
import { SecurityModule } from './security/security.module';
import { TenantsModule } from './tenants/tenants.module';

/** All rooms, in the order of the data flow. It is global because every room may ask for the settings and the targets. */
@Global()
@Module({})
export class AppModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(ENTITIES),
        SecurityModule,
        ObservabilityModule,
        AuditModule,
        AdminApiModule,
        TenantsModule,
        IntegrationProvidersModule.forRoot({
          apiUrl: settings.pagerDuty.apiUrl ?? undefined,
          identityUrl: settings.pagerDuty.identityUrl ?? undefined,
          parallelCalls: settings.pagerDuty.parallelCalls ?? undefined,
          userAgent: `scimify/${VERSION}`,
        }),
        IntegrationsModule,
        ScimModule,
        DirectoryModule,
        ProvisioningModule,
      ],
      providers: [
        { provide: SETTINGS, useValue: settings },
        { provide: APP_FILTER, useClass: HttpErrorFilter },
      ],
      exports: [SETTINGS, IntegrationProvidersModule],
    };
  }
}
