import { Body, Controller, Get, HttpCode, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { IdParam } from '../../admin-api/id-param';
import { type Page, PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { isoTime } from '../../admin-api/time';
import { Integrations } from '../../integrations/integrations.service';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import { DRIFT_KINDS, type DriftKind } from '../reconcile/drift';
import { DriftLedger, type DriftRow, NO_GROUP } from '../reconcile/drift-ledger';
import { RetryRequests } from '../schedule/retry-requests';

class ReconcileRequest {
  @ApiPropertyOptional({
    default: false,
    description: 'Teams that are not to be seen any more were really deleted: make them again',
  })
  @IsOptional()
  @IsBoolean()
  acceptMissingTeams?: boolean;
}

class DriftView {
  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Null where it is about a person in whatever team',
  })
  groupId: string | null;
  @ApiProperty({ type: String, nullable: true }) displayName: string | null;
  @ApiProperty({ enum: DRIFT_KINDS }) kind: DriftKind;
  @ApiProperty({ type: String, nullable: true, description: 'Whom it is about, by the id of the target' })
  remoteUserId: string | null;
  @ApiProperty({ example: 'A member was taken out of the team in the target; they are put back.' })
  message: string;
  @ApiProperty({ format: 'date-time', description: 'When it was found first' }) since: string;
  @ApiProperty({ description: 'Whether Scimify undoes it' }) repaired: boolean;
}

class DriftPage extends PageInfo {
  @ApiProperty({ type: [DriftView] }) items: DriftView[];
}

@ApiTags('Drift')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/integrations/:id')
export class DriftController {
  constructor(
    private readonly integrations: Integrations,
    private readonly drift: DriftLedger,
    private readonly requests: RetryRequests,
  ) {}

  @Get('drift')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List what the last reconciliation found changed by hand in the target' })
  @ApiOkResponse({ type: DriftPage })
  async list(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @Query() query: PageQuery,
  ): Promise<Page<DriftView>> {
    await this.integrations.get(admin, integrationId);
    const rows = await this.drift.list(integrationId, cursorId(query), query.limit + 1);
    return toPage(rows, query.limit, present);
  }

  @Post('reconcile')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Look at the whole target now, report what was changed by hand and repair what is ours',
    description:
      'While the integration is suspended with `visibility_lost`, this look writes nothing, and ends the suspension where the ' +
      'teams are seen again. What is remembered of failures of the integration is forgotten.',
  })
  @ApiBody({ type: ReconcileRequest, required: false })
  @ApiAcceptedResponse()
  async reconcile(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @Body() body: ReconcileRequest = {},
  ): Promise<void> {
    await this.requests.reconcile(admin, integrationId, body.acceptMissingTeams ?? false);
  }
}

function present({ id: _, groupId, subject, ...row }: DriftRow): DriftView {
  return {
    ...row,
    groupId: groupId === NO_GROUP ? null : groupId,
    since: isoTime(row.since),
    remoteUserId: subject === '' ? null : subject,
  };
}
