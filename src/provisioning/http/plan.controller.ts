import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IdParam } from '../../admin-api/id-param';
import { PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { Problem } from '../../admin-api/problem';
import { Integrations } from '../../integrations/integrations.service';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import {
  DryRun,
  type DryRunResult,
  type GroupPreview,
  type WithheldItem,
  saysAnything,
} from '../dry-run/dry-run';
import { PLAN_ACTIONS, type PlanAction } from '../dry-run/group-dry-run';
import { HELD } from '../plan/mass-change-guard';
import { GroupStatuses } from '../state/group-status';
import { BLOCKED_GROUP, UNKNOWN_PERSON } from './examples';

class PlannedTeamView {
  @ApiProperty({ example: 'PQ9K7I8' }) id: string;
  @ApiProperty({ description: 'The name as the target has it now', example: 'Platform' }) name: string;
}

class PlannedCountsView {
  @ApiProperty() add: number;
  @ApiProperty() remove: number;
  @ApiProperty() unresolved: number;
  @ApiProperty() held: number;
}

class AddedMemberView {
  @ApiProperty({ format: 'uuid' }) userId: string;
  @ApiProperty() userName: string;
  @ApiProperty({ type: String, nullable: true }) email: string | null;
  @ApiProperty({ example: 'PXPGF42' }) remoteUserId: string;
}

class RemovedMemberView {
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) userId: string | null;
  @ApiProperty({ type: String, nullable: true }) userName: string | null;
  @ApiProperty({ example: 'PXPGF42' }) remoteUserId: string;
}

class UnresolvedMemberView {
  @ApiProperty({ format: 'uuid' }) userId: string;
  @ApiProperty() userName: string;
  @ApiProperty({ type: String, nullable: true }) email: string | null;
  @ApiProperty({ example: UNKNOWN_PERSON.reason, description: 'Stable code' }) reason: string;
  @ApiProperty({ example: UNKNOWN_PERSON.message, description: 'What is wrong and what to do' })
  message: string;
}

class WithheldItemView implements WithheldItem {
  @ApiProperty({ enum: ['removal', 'deletion'] }) kind: 'removal' | 'deletion';
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) userId: string | null;
  @ApiProperty({ type: String, nullable: true }) userName: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'Of a removal' }) remoteUserId: string | null;
  @ApiProperty({ example: HELD.reason, description: '`removal_rejected`: an admin decided so' })
  reason: string;
  @ApiProperty({ example: HELD.message, description: 'What is wrong and what to do' }) message: string;
}

class PlannedGroupView implements GroupPreview {
  @ApiProperty({ format: 'uuid' }) groupId: string;
  @ApiProperty() displayName: string;
  @ApiProperty({
    enum: PLAN_ACTIONS,
    description:
      '`update` renames the team or changes its members; `none` with a reason: the group is blocked, or its team is left',
  })
  action: PlanAction;
  @ApiProperty({ type: String, nullable: true, description: 'Stable code', example: BLOCKED_GROUP.reason })
  reason: string | null;
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'What is wrong and what to do',
    example: BLOCKED_GROUP.message,
  })
  message: string | null;
  @ApiProperty({ type: PlannedTeamView, nullable: true, description: 'The team that is there' })
  remote: PlannedTeamView | null;
  @ApiProperty({ type: PlannedCountsView, description: 'The lists hold at most 1,000 entries each' })
  counts: PlannedCountsView;
  @ApiProperty({ type: [AddedMemberView] }) addMembers: AddedMemberView[];
  @ApiProperty({ type: [RemovedMemberView] }) removeMembers: RemovedMemberView[];
  @ApiProperty({ type: [UnresolvedMemberView], description: 'Wanted, but not to be added now' })
  unresolved: UnresolvedMemberView[];
  @ApiProperty({
    type: [WithheldItemView],
    description: 'What would not be done yet: too much at once, or rejected. Not among `removeMembers`',
  })
  held: WithheldItemView[];
}

class PlanProblemView {
  @ApiProperty({ example: 'unauthorized', description: 'Stable code' }) reason: string;
  @ApiProperty({
    example:
      'PagerDuty did not list the teams (HTTP 401). Check that the key or app still exists and is enabled in PagerDuty and that the region matches the account, then give the secret again.',
    description: 'What is wrong and what to do',
  })
  message: string;
}

class PlanView extends PageInfo {
  @ApiProperty({ type: [PlannedGroupView] }) groups: PlannedGroupView[];
  @ApiProperty({ description: 'Calls to the target that applying this page would cost, estimated' })
  calls: number;
  @ApiProperty({
    type: PlanProblemView,
    nullable: true,
    description:
      'Why the target could not be asked, or why the integration is suspended. What was not looked up says `not_looked_up`.',
  })
  problem: PlanProblemView | null;
}

@ApiTags('Plan')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/integrations/:id')
export class PlanController {
  constructor(
    private readonly integrations: Integrations,
    private readonly statuses: GroupStatuses,
    private readonly dryRun: DryRun,
  ) {}

  @Get('plan')
  @RequiresRole('viewer')
  @ApiOperation({
    summary: 'Look at what would be done, without doing it',
    description:
      'In whatever mode the integration is. Groups of which there is nothing to say are left out, and a page ends early where much is to be said of its groups, so it may hold fewer than `limit`. The target is read for at most 20 seconds.',
  })
  @ApiOkResponse({ type: PlanView })
  async integration(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @Query() query: PageQuery,
  ): Promise<PlanView> {
    const integration = await this.integrations.get(admin, integrationId);
    const rows = await this.dryRun.candidates(integration, cursorId(query), query.limit + 1);
    const asked = rows.slice(0, query.limit).map(({ id }) => id);
    const result = await this.dryRun.plan(integration, asked);
    const { nextCursor } = toPage(rows, result.groups.length, ({ id }) => id);
    return present({ ...result, groups: result.groups.filter(saysAnything) }, nextCursor);
  }

  @Get('groups/:groupId/plan')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'Look at what would be done about one group, without doing it' })
  @ApiOkResponse({ type: PlanView })
  async group(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @IdParam('groupId') groupId: string,
  ): Promise<PlanView> {
    const integration = await this.integrations.get(admin, integrationId);
    if (!(await this.statuses.isListed(integrationId, groupId))) throw Problem.notFound('group');
    return present(await this.dryRun.plan(integration, [groupId]), null);
  }
}

function present({ groups, calls, problem }: DryRunResult, nextCursor: string | null): PlanView {
  return { groups, calls, problem, nextCursor };
}
