import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantsModule } from '../tenants/tenants.module';
import { Connections } from './connections/connections.service';
import { IntegrationChanges } from './integration-changes';
import { Integration } from './integration.entity';
import { IntegrationsController } from './integrations.controller';
import { Integrations } from './integrations.service';
import { ProviderRegistry } from './provider/provider-registry';
import { ScimKey } from './scim-keys/scim-key.entity';
import { ScimKeysController } from './scim-keys/scim-keys.controller';
import { ScimKeys } from './scim-keys/scim-keys.service';

@Module({
  imports: [TenantsModule, TypeOrmModule.forFeature([Integration, ScimKey])],
  controllers: [IntegrationsController, ScimKeysController],
  providers: [Integrations, ScimKeys, Connections, ProviderRegistry, IntegrationChanges],
  exports: [Integrations, ScimKeys, Connections, IntegrationChanges, TenantsModule],
})
export class IntegrationsModule {}
