import { Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
} from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { IdParam } from '../../admin-api/id-param';
import { type Page, PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { Problem } from '../../admin-api/problem';
import { IsText } from '../../admin-api/text';
import { isoTimeOrNull } from '../../admin-api/time';
import { RefusedWrites } from '../../directory/refused-writes';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { BLOCKED_GROUP, UNKNOWN_PERSON } from './examples';
import { RefusalView, presentRefusal } from './refusal.view';
import { RetryRequests } from '../schedule/retry-requests';
import { type GroupStatus, GroupStatuses } from '../state/group-status';
import { MEMBER_STATES, type MemberState, type MemberStatus, PeopleStatuses } from '../state/people-status';
import { GROUP_STATES, type GroupState } from '../state/remote-group.entity';

class GroupsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: GROUP_STATES })
  @IsOptional()
  @IsIn(GROUP_STATES)
  state?: GroupState;

  @ApiPropertyOptional({ description: 'Part of the name; ignores case' })
  @IsOptional()
  @IsText(1, 256)
  search?: string;
}

class MembersQuery extends PageQuery {
  @ApiPropertyOptional({ enum: MEMBER_STATES })
  @IsOptional()
  @IsIn(MEMBER_STATES)
  state?: MemberState;
}

class RemoteGroupView {
  @ApiProperty({ example: 'PQ9K7I8' }) id: string;
  @ApiProperty({ description: 'The name in the target', example: 'Platform on-call' }) name: string;
  @ApiProperty({ type: String, nullable: true, example: 'https://acme.pagerduty.com/teams/PQ9K7I8' })
  url: string | null;
  @ApiProperty({ enum: ['created', 'adopted'] }) ownership: string;
}

class MemberCountsView {
  @ApiProperty({ description: 'Active members of the group; 0 once it is deleted' }) desired: number;
  @ApiProperty({
    description: 'Members that Scimify has put into the team, also those who are about to leave',
  })
  applied: number;
  @ApiProperty({ description: 'Members who have not joined or left yet' }) pending: number;
}

class GroupView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty() displayName: string;
  @ApiProperty({ enum: GROUP_STATES }) state: GroupState;
  @ApiProperty({ type: String, nullable: true, description: 'Stable code', example: BLOCKED_GROUP.reason })
  reason: string | null;
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'What is wrong and what to do',
    example: BLOCKED_GROUP.message,
  })
  message: string | null;
  @ApiProperty() generation: number;
  @ApiProperty() appliedGeneration: number;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) nextAttemptAt: string | null;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When the IdP deleted the group',
  })
  deletingSince: string | null;
  @ApiProperty({ type: RemoteGroupView, nullable: true }) remote: RemoteGroupView | null;
  @ApiProperty({ type: MemberCountsView }) members: MemberCountsView;
  @ApiProperty({ type: RefusalView, nullable: true }) idpWriteRefused: RefusalView | null;
}

class GroupPage extends PageInfo {
  @ApiProperty({ type: [GroupView] }) items: GroupView[];
}

class MemberView {
  @ApiProperty({ format: 'uuid' }) userId: string;
  @ApiProperty() userName: string;
  @ApiProperty({ type: String, nullable: true }) email: string | null;
  @ApiProperty({ enum: MEMBER_STATES }) state: MemberState;
  @ApiProperty({ type: String, nullable: true, example: UNKNOWN_PERSON.reason }) reason: string | null;
  @ApiProperty({ type: String, nullable: true, example: UNKNOWN_PERSON.message }) message: string | null;
  @ApiProperty({ type: String, nullable: true }) remoteUserId: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) nextAttemptAt: string | null;
}

class MemberPage extends PageInfo {
  @ApiProperty({ type: [MemberView] }) items: MemberView[];
}

@AdminController('integrations/:id', 'Groups')
export class GroupsStatusController {
  constructor(
    private readonly statuses: GroupStatuses,
    private readonly people: PeopleStatuses,
    private readonly requests: RetryRequests,
    private readonly refusedWrites: RefusedWrites,
  ) {}

  @Get('groups')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the groups with their sync status' })
  @ApiOkResponse({ type: GroupPage })
  async list(
    @IntegrationOf('id') integration: Integration,
    @Query() query: GroupsQuery,
  ): Promise<Page<GroupView>> {
    const rows = await this.statuses.list(integration, { ...query, after: cursorId(query) });
    return toPage(rows, query.limit, await this.presenter(integration, rows));
  }

  @Get('groups/:groupId')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'Get the sync status of a group' })
  @ApiOkResponse({ type: GroupView })
  async get(
    @IntegrationOf('id') integration: Integration,
    @IdParam('groupId') groupId: string,
  ): Promise<GroupView> {
    const group = await this.statuses.find(integration, groupId);
    if (!group) throw Problem.notFound('group');
    return (await this.presenter(integration, [group]))(group);
  }

  @Get('groups/:groupId/members')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the members of a group: who is in the team, who is not, and why' })
  @ApiOkResponse({ type: MemberPage })
  async members(
    @IntegrationOf('id') integration: Integration,
    @IdParam('groupId') groupId: string,
    @Query() query: MembersQuery,
  ): Promise<Page<MemberView>> {
    if (!(await this.statuses.isListed(integration.id, groupId))) throw Problem.notFound('group');
    const rows = await this.people.members(integration, groupId, { ...query, after: cursorId(query) });
    return toPage(rows, query.limit, presentMember);
  }

  @Post('groups/:groupId/retry')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Compare a group with its team again, now',
    description: 'Scimify forgets past failures of the group and of the account.',
  })
  @ApiAcceptedResponse()
  async retry(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @IdParam('groupId') groupId: string,
  ): Promise<void> {
    await this.requests.retryGroup(admin, integration, groupId);
  }

  @Post('sync')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Retry everything that waits, now',
    description: 'Scimify forgets past failures of the integration.',
  })
  @ApiAcceptedResponse()
  async sync(@CurrentAdmin() admin: Admin, @IntegrationOf('id') integration: Integration): Promise<void> {
    await this.requests.syncIntegration(admin, integration);
  }

  private async presenter({ id: integrationId }: Integration, groups: readonly GroupStatus[]) {
    const refused = await this.refusedWrites.latestOf(
      integrationId,
      groups.map(({ id }) => id),
    );
    return (group: GroupStatus): GroupView => ({
      ...group,
      nextAttemptAt: isoTimeOrNull(group.nextAttemptAt),
      deletingSince: isoTimeOrNull(group.deletingSince),
      idpWriteRefused: presentRefusal(refused.get(group.id)),
    });
  }
}

function presentMember({ id, ...member }: MemberStatus): MemberView {
  return { userId: id, ...member, nextAttemptAt: isoTimeOrNull(member.nextAttemptAt) };
}
