import { Delete, HttpCode } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation } from '@nestjs/swagger';
import { ApiProblems } from '../admin-api/api-problems';
import { IdParam } from '../admin-api/id-param';
import { type Admin, CurrentAdmin, RequiresRole } from '../tenants/authentication/admin';
import { AdminController } from '../tenants/authentication/admin-controller';
import { Tenants } from '../tenants/tenants.service';
import { IntegrationLifecycle } from './integration-lifecycle.service';

/** Not in src/tenants, because tenants do not know integrations. */
@AdminController('tenants/:tenantId', 'Tenants')
export class TenantDeletionController {
  constructor(
    private readonly tenants: Tenants,
    private readonly integrations: IntegrationLifecycle,
  ) {}

  @Delete()
  @HttpCode(204)
  @RequiresRole('platform')
  @ApiOperation({ summary: 'Delete a tenant that has no integrations, with its admin keys' })
  @ApiNoContentResponse()
  @ApiProblems('tenant_has_integrations')
  async delete(@CurrentAdmin() admin: Admin, @IdParam('tenantId') tenantId: string): Promise<void> {
    await this.tenants.delete(admin, tenantId, (tx) => this.integrations.assertNone(tx, tenantId));
  }
}
