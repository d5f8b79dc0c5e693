import { Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { IdParam } from '../../admin-api/id-param';
import { PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { Problem } from '../../admin-api/problem';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
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
  @ApiProperty({ description: 'The current name in the target', example: 'Platform' }) name: string;
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
  @ApiProperty({ type: String, nullable: true, description: 'For a removal only' }) remoteUserId:
    string | null;
  @ApiProperty({ example: HELD.reason, description: '`removal_rejected`: an admin rejected it' })
  reason: string;
  @ApiProperty({ example: HELD.message, description: 'What is wrong and what to do' }) message: string;
}

class PlannedGroupView implements GroupPreview {
  @ApiProperty({ format: 'uuid' }) groupId: string;
  @ApiProperty() displayName: string;
  @ApiProperty({
    enum: PLAN_ACTIONS,
    description:
      '`update` renames the team or changes its members. `none` with a reason: the group is blocked, or its team stays as it is',
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
  @ApiProperty({ type: PlannedTeamView, nullable: true, description: 'The existing team' })
  remote: PlannedTeamView | null;
  @ApiProperty({ type: PlannedCountsView, description: 'Complete; each list has at most 1,000 entries' })
  counts: PlannedCountsView;
  @ApiProperty({ type: [AddedMemberView] }) addMembers: AddedMemberView[];
  @ApiProperty({ type: [RemovedMemberView] }) removeMembers: RemovedMemberView[];
  @ApiProperty({ type: [UnresolvedMemberView], description: 'Wanted users that cannot be added now' })
  unresolved: UnresolvedMemberView[];
  @ApiProperty({
    type: [WithheldItemView],
    description: 'What would not be done yet: too many at once, or rejected. Not in `removeMembers`',
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
  @ApiProperty({ description: 'Estimated calls to the target for this page' })
  calls: number;
  @ApiProperty({
    type: PlanProblemView,
    nullable: true,
    description:
      'Why Scimify could not read the target, or why the integration is suspended. Items without a look-up have the reason `not_looked_up`.',
  })
  problem: PlanProblemView | null;
}

@AdminController('integrations/:id', 'Plan')
export class PlanController {
  constructor(
    private readonly statuses: GroupStatuses,
    private readonly dryRun: DryRun,
  ) {}

  @Get('plan')
  @RequiresRole('viewer')
  @ApiOperation({
    summary: 'Show what a run would do, without doing it',
    description:
      'Works in every mode of the integration. The plan leaves out groups without any change or problem. A page ends early if its groups have many changes, so it may have fewer entries than `limit`. Scimify reads the target for at most 20 seconds.',
  })
  @ApiOkResponse({ type: PlanView })
  async integration(
    @IntegrationOf('id') integration: Integration,
    @Query() query: PageQuery,
  ): Promise<PlanView> {
    const rows = await this.dryRun.candidates(integration, cursorId(query), query.limit + 1);
    const asked = rows.slice(0, query.limit).map(({ id }) => id);
    const result = await this.dryRun.plan(integration, asked);
    const { nextCursor } = toPage(rows, result.groups.length, ({ id }) => id);
    return present({ ...result, groups: result.groups.filter(saysAnything) }, nextCursor);
  }

  @Get('groups/:groupId/plan')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'Show what a run would do with one group, without doing it' })
  @ApiOkResponse({ type: PlanView })
  async group(
    @IntegrationOf('id') integration: Integration,
    @IdParam('groupId') groupId: string,
  ): Promise<PlanView> {
    if (!(await this.statuses.isListed(integration.id, groupId))) throw Problem.notFound('group');
    return present(await this.dryRun.plan(integration, [groupId]), null);
  }
}

function present({ groups, calls, problem }: DryRunResult, nextCursor: string | null): PlanView {
  return { groups, calls, problem, nextCursor };
}
