import { Body, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
} from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { type Page, PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { isoTime } from '../../admin-api/time';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { DRIFT_KINDS, type DriftKind } from '../reconcile/drift';
import { DriftLedger, type DriftRow, NO_GROUP } from '../reconcile/drift-ledger';
import { RetryRequests } from '../schedule/retry-requests';

class ReconcileRequest {
  @ApiPropertyOptional({
    default: false,
    description: 'The teams that the credential no longer sees were really deleted: create them again',
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
    description: 'Null if it is about a user in any team',
  })
  groupId: string | null;
  @ApiProperty({ type: String, nullable: true }) displayName: string | null;
  @ApiProperty({ enum: DRIFT_KINDS }) kind: DriftKind;
  @ApiProperty({ type: String, nullable: true, description: 'Id of the user in the target' })
  remoteUserId: string | null;
  @ApiProperty({
    example: 'A member was removed from the team in the target. Scimify adds the member again.',
  })
  message: string;
  @ApiProperty({ format: 'date-time', description: 'When Scimify found it first' }) since: string;
  @ApiProperty({ description: 'Whether Scimify repairs it' }) repaired: boolean;
}

class DriftPage extends PageInfo {
  @ApiProperty({ type: [DriftView] }) items: DriftView[];
}

@AdminController('integrations/:id', 'Drift')
export class DriftController {
  constructor(
    private readonly drift: DriftLedger,
    private readonly requests: RetryRequests,
  ) {}

  @Get('drift')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the changes by hand in the target that the last reconciliation found' })
  @ApiOkResponse({ type: DriftPage })
  async list(
    @IntegrationOf('id') { id: integrationId }: Integration,
    @Query() query: PageQuery,
  ): Promise<Page<DriftView>> {
    const rows = await this.drift.list(integrationId, cursorId(query), query.limit + 1);
    return toPage(rows, query.limit, present);
  }

  @Post('reconcile')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Read the whole target now, report changes by hand, and repair what is ours',
    description:
      'While the integration is suspended with `visibility_lost`, this writes nothing, and ends the suspension if the ' +
      'credential sees the teams again. Scimify forgets past failures of the integration.',
  })
  @ApiBody({ type: ReconcileRequest, required: false })
  @ApiAcceptedResponse()
  async reconcile(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @Body() body: ReconcileRequest = {},
  ): Promise<void> {
    await this.requests.reconcile(admin, integration, body.acceptMissingTeams ?? false);
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
