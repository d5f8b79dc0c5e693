import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AdminApiModule } from '../admin-api/admin-api.module';
import { AuditModule } from '../audit/audit.module';
import { SecurityModule } from '../security/security.module';
import { TenantsModule } from '../tenants/tenants.module';
import { ConnectionTestController } from './connection-test/connection-test.controller';
import { ConnectionTests } from './connection-test/connection-tests.service';
import { CredentialTrials } from './connection-test/credential-trials';
import { KnownGroups } from './connection-test/known-groups';
import { SecretChanges } from './connection-test/secret-changes.service';
import { TestedConnections } from './connection-test/tested-connections';
import { Connections } from './connections/connections.service';
import { IntegrationChanges } from './integration-changes';
import { IntegrationEdits } from './integration-edits.service';
import { IntegrationLifecycle } from './integration-lifecycle.service';
import { Integration } from './integration.entity';
import { IntegrationsController } from './integrations.controller';
import { Integrations } from './integrations.service';
import { ProvidersController } from './providers.controller';
import { ProviderRegistry } from './provider/provider-registry';
import { RunRequests } from './run-requests';
import { ScimKey } from './scim-keys/scim-key.entity';
import { ScimKeysController } from './scim-keys/scim-keys.controller';
import { ScimKeys } from './scim-keys/scim-keys.service';
import { StoredSecrets } from './secrets/stored-secrets';
import { Suspensions } from './suspensions.service';
import { TenantDeletionController } from './tenant-deletion.controller';

@Module({
  imports: [
    SecurityModule,
    AuditModule,
    AdminApiModule,
    TenantsModule,
    TypeOrmModule.forFeature([Integration, ScimKey]),
  ],
  controllers: [
    ProvidersController,
    IntegrationsController,
    ConnectionTestController,
    ScimKeysController,
    TenantDeletionController,
  ],
  providers: [
    Integrations,
    Suspensions,
    IntegrationLifecycle,
    ScimKeys,
    StoredSecrets,
    Connections,
    ProviderRegistry,
    IntegrationChanges,
    RunRequests,
    ConnectionTests,
    CredentialTrials,
    KnownGroups,
    TestedConnections,
    SecretChanges,
    IntegrationEdits,
  ],
  exports: [
    Integrations,
    Suspensions,
    IntegrationEdits,
    IntegrationLifecycle,
    ScimKeys,
    Connections,
    KnownGroups,
    TestedConnections,
    IntegrationChanges,
    RunRequests,
    TenantsModule,
  ],
})
export class IntegrationsModule {}
