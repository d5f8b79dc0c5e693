import { Body, Delete, HttpCode, Inject, Patch, Post, Query, UseInterceptors } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiPropertyOptional,
} from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsObject, ValidateIf, ValidateNested } from 'class-validator';
import { ApiProblems } from '../../admin-api/api-problems';
import { ApiMergePatch } from '../../admin-api/merge-patch-body';
import { ApiIfMatch, type ExpectedVersions, IfMatch, VersionedAnswer } from '../../admin-api/if-match';
import { IsText } from '../../admin-api/text';
import { SETTINGS, type Settings } from '../../config/settings';
import { IntegrationOf } from '../../integrations/integration-of';
import type { IntegrationPatch } from '../../integrations/integration-edits.service';
import { DELETED_TEAMS, type DeletedTeams, type Integration } from '../../integrations/integration.entity';
import { IntegrationView, presentIntegration } from '../../integrations/integration.view';
import { PoliciesInput } from '../../integrations/policies.input';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { LifecycleRequests } from '../schedule/lifecycle-requests';

class DeletionQuery {
  @ApiPropertyOptional({
    enum: DELETED_TEAMS,
    default: 'leave',
    description:
      '`leave`: Scimify makes no call. `release`: Scimify removes the members that it added. `delete`: Scimify deletes ' +
      'the teams that it created, and releases adopted ones.',
  })
  @IsIn(DELETED_TEAMS)
  teams: DeletedTeams = 'leave';
}

/** Null does not count as a missing field: it would be stored as a value. */
const ifGiven = () => ValidateIf((_: object, value: unknown) => value !== undefined);

class RebindIntegration {
  @ApiPropertyOptional({ type: Object, description: 'Replaces all stored settings' })
  @ifGiven()
  @IsObject()
  settings?: object;

  @ApiPropertyOptional({ description: 'Replaces the stored secret. Never shown again.', writeOnly: true })
  @ifGiven()
  @IsText(1, 1000)
  secret?: string;
}

class ChangeIntegration implements IntegrationPatch {
  @ApiPropertyOptional({ example: 'PagerDuty production' })
  @ifGiven()
  @IsText(1, 200)
  name?: string;

  @ApiPropertyOptional({
    type: Object,
    description: 'Merged into the stored settings; null removes a setting',
    example: { groupDescription: 'From Okta' },
  })
  @ifGiven()
  @IsObject()
  settings?: object;

  @ApiPropertyOptional({
    type: PoliciesInput,
    description: 'Merged into the stored policies; null sets the default',
  })
  @ifGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => PoliciesInput)
  policies?: PoliciesInput;
}

@AdminController('integrations/:id', 'Integrations')
@UseInterceptors(VersionedAnswer)
export class LifecycleController {
  constructor(
    private readonly requests: LifecycleRequests,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Patch()
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Change an integration',
    description:
      'A JSON merge patch (RFC 7396). Scimify first tries settings that name the account with the stored secret, and stores ' +
      'them only if they reach the same account. These settings and `policies.guard` need a key with the role owner. A new ' +
      'description applies only to teams that Scimify creates later.',
  })
  @ApiIfMatch()
  @ApiMergePatch(ChangeIntegration, {
    'Give another name': { name: 'PagerDuty production' },
    'Describe new teams differently': { settings: { groupDescription: 'From Okta' } },
    'Set a policy': { policies: { onGroupDelete: 'release' } },
  })
  @ApiOkResponse({ type: IntegrationView })
  @ApiProblems(
    'account_mismatch',
    'visibility_lost',
    'changed_meanwhile',
    'integration_deleting',
    'secret_unreadable',
    'secret_refused',
    'target_unavailable',
  )
  async change(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @Body() body: ChangeIntegration,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<IntegrationView> {
    return this.present(await this.requests.change(admin, integration, body, expected));
  }

  @Delete()
  @HttpCode(202)
  @ApiIfMatch()
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Delete an integration, and choose what happens to its teams',
    description:
      'SCIM answers 401 at once. The API shows the integration with `deletingSince` until its teams are released or deleted, ' +
      'in every mode; it stays while Scimify cannot reach the target. A second request with `teams=leave` ends it for good: ' +
      'no later request can change that.',
  })
  @ApiAcceptedResponse()
  async delete(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @Query() query: DeletionQuery,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<void> {
    await this.requests.delete(admin, integration, query.teams, expected);
  }

  @Post('rebind')
  @ApiIfMatch()
  @HttpCode(200)
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Move an integration to another account',
    description:
      'Scimify forgets everything about the target, leaves its teams unchanged, and pauses the integration. When an admin ' +
      'enables it, Scimify compares every group with the account that it then reaches.',
  })
  @ApiOkResponse({ type: IntegrationView })
  @ApiProblems('changed_meanwhile', 'integration_deleting', 'secret_unreadable')
  @ApiBody({ type: RebindIntegration, required: false })
  async rebind(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @Body() body: RebindIntegration,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<IntegrationView> {
    return this.present(await this.requests.rebind(admin, integration, body, expected));
  }

  private present(integration: Integration): IntegrationView {
    return presentIntegration(integration, this.settings.publicUrl);
  }
}
