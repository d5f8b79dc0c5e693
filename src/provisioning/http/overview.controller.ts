import { Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { isoTimeOrNull } from '../../admin-api/time';
import { Connections } from '../../integrations/connections/connections.service';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { ScimKeys } from '../../integrations/scim-keys/scim-keys.service';
import { RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { TenantQuotas } from '../../tenants/tenant-quotas.service';
import { TenantUsage } from '../../tenants/tenant-usage.service';
import { Overview } from '../state/overview';
import type { GroupState } from '../state/remote-group.entity';
import { QuotaUseView } from './quota-use.view';

class GroupCountsView implements Record<GroupState, number> {
  @ApiProperty() synced: number;
  @ApiProperty() pending: number;
  @ApiProperty() syncing: number;
  @ApiProperty() partial: number;
  @ApiProperty() retrying: number;
  @ApiProperty() blocked: number;
  @ApiProperty() held: number;
}

class MembershipCountsView {
  @ApiProperty({ description: 'Active members of all groups' }) desired: number;
  @ApiProperty({ description: 'How many of them are in their team' }) applied: number;
  @ApiProperty({ description: 'How many of them are not' }) pending: number;
}

class LinkCountsView {
  @ApiProperty({
    description:
      'Active users whose address differs from the address of the linked user of the target, or is not unique there',
  })
  emailDiffers: number;
  @ApiProperty({
    description:
      'Active users whose remote link leads to a user with another address than when an admin set it',
  })
  pinnedAddressChanged: number;
}

class RateView {
  @ApiProperty({ description: 'Calls that the target allows in its current window' }) limit: number;
  @ApiProperty() remaining: number;
}

class ReconciliationProblemView {
  @ApiProperty({ example: 'list_too_long' }) reason: string;
  @ApiProperty({ example: 'PagerDuty did not list the users completely: there are more than 10,000.' })
  message: string;
}

class ReconciliationView {
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When Scimify last read the whole target; null before the first time',
  })
  lastCompletedAt: string | null;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When Scimify reads the whole target next; null before the first run',
  })
  nextAt: string | null;
  @ApiProperty({
    type: ReconciliationProblemView,
    nullable: true,
    description: 'Why the last reconciliation was not complete; null if it was',
  })
  problem: ReconciliationProblemView | null;
}

class OverviewView {
  @ApiProperty({
    type: String,
    format: 'date-time',
    description:
      'When groups, members, leavers and links were counted: now, or for a large integration at most a minute ago',
  })
  countedAt: string;
  @ApiProperty({ type: GroupCountsView }) groups: GroupCountsView;
  @ApiProperty({ type: MembershipCountsView }) members: MembershipCountsView;
  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Age of the oldest change that is not applied yet; null without one',
  })
  oldestPendingSeconds: number | null;
  @ApiProperty({
    description:
      'Users deactivated or deleted in the IdP that are still in a team, because the target refuses the removal or has failed three times in a row',
  })
  leaversStillOnTeam: number;
  @ApiProperty({
    description:
      'Users deactivated or deleted in the IdP whose removal from a team has waited for an admin for more than a day',
  })
  leaversAwaitingDecision: number;
  @ApiProperty({ type: LinkCountsView }) links: LinkCountsView;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When Scimify reads the whole target next; null before the first run',
  })
  nextReconciliationAt: string | null;
  @ApiProperty({ type: ReconciliationView }) reconciliation: ReconciliationView;
  @ApiProperty({
    type: RateView,
    nullable: true,
    description: 'Null until the target has reported its limit',
  })
  rate: RateView | null;
  @ApiProperty({ type: QuotaUseView }) quotas: QuotaUseView;
}

@AdminController('integrations/:id/overview', 'Integrations')
export class OverviewController {
  constructor(
    private readonly overview: Overview,
    private readonly connections: Connections,
    private readonly scimKeys: ScimKeys,
    private readonly quotas: TenantQuotas,
    private readonly usage: TenantUsage,
  ) {}

  @Get()
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'Show the state of an integration in figures' })
  @ApiOkResponse({ type: OverviewView })
  async get(@IntegrationOf('id') integration: Integration): Promise<OverviewView> {
    const figures = await this.overview.of(integration);
    const { lastCompletedAt, nextAt, problem } = figures.reconciliation;
    return {
      ...figures,
      countedAt: new Date(figures.countedAt).toISOString(),
      nextReconciliationAt: isoTimeOrNull(nextAt),
      reconciliation: {
        lastCompletedAt: isoTimeOrNull(lastCompletedAt),
        nextAt: isoTimeOrNull(nextAt),
        problem,
      },
      rate: this.connections.rateOf(integration.id),
      quotas: await this.quotaUse(integration),
    };
  }

  private async quotaUse({ id, tenantId }: Integration): Promise<QuotaUseView> {
    const limits = await this.quotas.of(tenantId);
    const used = { ...(await this.usage.of(tenantId)), scimKeys: await this.scimKeys.live(id) };
    const useOf = (name: keyof QuotaUseView) => ({ limit: limits[name], used: used[name] });
    return {
      users: useOf('users'),
      groups: useOf('groups'),
      memberships: useOf('memberships'),
      scimKeys: useOf('scimKeys'),
    };
  }
}
