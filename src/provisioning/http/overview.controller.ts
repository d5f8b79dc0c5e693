import { Controller, Get, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IdParam } from '../../admin-api/id-param';
import { Connections } from '../../integrations/connections/connections.service';
import { Integrations } from '../../integrations/integrations.service';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import { Overview } from '../state/overview';
import type { GroupState } from '../state/remote-group.entity';

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
  @ApiProperty({ description: 'Those of them who are in their team' }) applied: number;
  @ApiProperty({ description: 'Those of them who are not' }) pending: number;
}

class RateView {
  @ApiProperty({ description: 'Calls that the target allows in its current window' }) limit: number;
  @ApiProperty() remaining: number;
}

class OverviewView {
  @ApiProperty({ type: GroupCountsView }) groups: GroupCountsView;
  @ApiProperty({ type: MembershipCountsView }) members: MembershipCountsView;
  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Age of the oldest change that is not applied yet; null where there is none',
  })
  oldestPendingSeconds: number | null;
  @ApiProperty({
    description: 'People deactivated or deleted in the IdP whom the target refuses to let go',
  })
  leaversStillOnTeam: number;
  @ApiProperty({
    type: RateView,
    nullable: true,
    description: 'Null as long as the target has not told its limit',
  })
  rate: RateView | null;
}

@ApiTags('Integrations')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/integrations/:id/overview')
export class OverviewController {
  constructor(
    private readonly integrations: Integrations,
    private readonly overview: Overview,
    private readonly connections: Connections,
  ) {}

  @Get()
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'How an integration stands, in figures' })
  @ApiOkResponse({ type: OverviewView })
  async get(@CurrentAdmin() admin: Admin, @IdParam('id') integrationId: string): Promise<OverviewView> {
    await this.integrations.get(admin, integrationId);
    const figures = await this.overview.of(integrationId);
    return { ...figures, rate: this.connections.rateOf(integrationId) };
  }
}
