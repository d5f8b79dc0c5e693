import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ApiProblems } from '../../admin-api/api-problems';
import { IdParam } from '../../admin-api/id-param';
import { RELEASE_MODES, type ReleaseMode } from '../../directory/change.entity';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import { ReleaseRequests } from '../schedule/release-requests';

class ReleaseGroup {
  @ApiProperty({
    enum: RELEASE_MODES,
    example: 'leave',
    description: '`leave`: nothing is called; `release`: the members that were added leave the team',
  })
  @IsIn(RELEASE_MODES)
  mode: ReleaseMode;
}

@ApiTags('Groups')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/integrations/:id/groups/:groupId/release')
export class ReleaseController {
  constructor(private readonly requests: ReleaseRequests) {}

  @Post()
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Let go of a group that the IdP has unlinked',
    description:
      'The group is gone for SCIM at once and its name is free. Its team stays, whatever the policy is.',
  })
  @ApiAcceptedResponse()
  @ApiProblems('integration_deleting')
  async release(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @IdParam('groupId') groupId: string,
    @Body() body: ReleaseGroup,
  ): Promise<void> {
    await this.requests.release(admin, integrationId, groupId, body.mode);
  }
}
