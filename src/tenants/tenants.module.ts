import { Module } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AdminApiModule } from '../admin-api/admin-api.module';
import { AuditModule } from '../audit/audit.module';
import { SecurityModule } from '../security/security.module';
import { AdminKey } from './admin-keys/admin-key.entity';
import { AdminKeysController } from './admin-keys/admin-keys.controller';
import { AdminKeys } from './admin-keys/admin-keys.service';
import { AdminAuthentication } from './authentication/admin-authentication';
import { AdminBearerStrategy } from './authentication/admin-bearer.strategy';
import { AdminGuard } from './authentication/admin.guard';
import { RefusedAttempts } from './authentication/refused-attempts';
import { AuditEventsController } from './audit-events.controller';
import { Tenant } from './tenant.entity';
import { TenantQuotas } from './tenant-quotas.service';
import { TenantUsage } from './tenant-usage.service';
import { TenantsController } from './tenants.controller';
import { Tenants } from './tenants.service';

@Module({
  imports: [
    SecurityModule,
    AuditModule,
    AdminApiModule,
    PassportModule,
    TypeOrmModule.forFeature([Tenant, AdminKey]),
  ],
  controllers: [TenantsController, AdminKeysController, AuditEventsController],
  providers: [
    Tenants,
    TenantQuotas,
    TenantUsage,
    AdminKeys,
    AdminBearerStrategy,
    AdminAuthentication,
    RefusedAttempts,
    AdminGuard,
  ],
  exports: [Tenants, TenantQuotas, TenantUsage, AdminKeys, AdminAuthentication, AdminGuard],
})
export class TenantsModule {}
