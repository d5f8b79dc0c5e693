import { Body, Delete, HttpCode, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { IsString, Matches } from 'class-validator';
import { ApiProblems } from '../../admin-api/api-problems';
import { IdParam } from '../../admin-api/id-param';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { LinkRequests } from '../schedule/link-requests';

const REMOTE_ID = /^[A-Za-z0-9_-]{1,100}$/;

class RemoteLink {
  @ApiProperty({
    example: 'PXPGF42',
    description: 'Id of the user in the target. In PagerDuty: the last part of the URL of the user profile',
    pattern: REMOTE_ID.source,
  })
  @IsString()
  @Matches(REMOTE_ID, { message: 'must be an id of the target: letters, digits, _ and -' })
  remoteUserId: string;
}

@AdminController('integrations/:id/users/:userId/remote-link', 'Users')
export class RemoteLinkController {
  constructor(private readonly links: LinkRequests) {}

  @Put()
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Link a user to a user of the target',
    description:
      'Scimify asks the target whether that user exists. From then on no look-up changes the link, until the IdP creates ' +
      'the user again or the target no longer has that user. The previously linked user of the target leaves the teams, ' +
      'unless another user of the IdP is linked to it.',
  })
  @ApiNoContentResponse()
  @ApiProblems('integration_deleting', 'remote_user_unknown', 'target_unavailable')
  async pin(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @IdParam('userId') userId: string,
    @Body() body: RemoteLink,
  ): Promise<void> {
    await this.links.pin(admin, integration, userId, body.remoteUserId);
  }

  @Delete()
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Remove the link of a user, and look up the user again' })
  @ApiNoContentResponse()
  @ApiProblems('integration_deleting')
  async undo(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @IdParam('userId') userId: string,
  ): Promise<void> {
    await this.links.undo(admin, integration, userId);
  }
}
