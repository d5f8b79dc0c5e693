import { Body, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ApiProblems } from '../../admin-api/api-problems';
import { IdParam } from '../../admin-api/id-param';
import { RELEASE_MODES, type ReleaseMode } from '../../directory/change.entity';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { ReleaseRequests } from '../schedule/release-requests';

class ReleaseGroup {
  @ApiProperty({
    enum: RELEASE_MODES,
    example: 'leave',
    description: '`leave`: Scimify makes no call. `release`: Scimify removes the members that it added',
  })
  @IsIn(RELEASE_MODES)
  mode: ReleaseMode;
}

@AdminController('integrations/:id/groups/:groupId/release', 'Groups')
export class ReleaseController {
  constructor(private readonly requests: ReleaseRequests) {}

  @Post()
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Release a group that the IdP has unlinked',
    description:
      'SCIM no longer has the group at once, and its name is free. Its team stays, whatever the policy is.',
  })
  @ApiAcceptedResponse()
  @ApiProblems('integration_deleting')
  async release(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @IdParam('groupId') groupId: string,
    @Body() body: ReleaseGroup,
  ): Promise<void> {
    await this.requests.release(admin, integration, groupId, body.mode);
  }
}
