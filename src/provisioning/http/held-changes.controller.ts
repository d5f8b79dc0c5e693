import { Body, Controller, Delete, Get, HttpCode, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { IsOptional, IsString, Length, Matches } from 'class-validator';
import { IdParam } from '../../admin-api/id-param';
import {
  type Page,
  PageInfo,
  PageQuery,
  cursorId,
  isoTime,
  isoTimeOrNull,
  toPage,
} from '../../admin-api/page';
import { Integrations } from '../../integrations/integrations.service';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import { type HeldChangeRow, HeldChanges, type HeldItemRow } from '../guard/held-changes';

const ITEMS_SHOWN = 200;

class RejectHeldChange {
  @ApiPropertyOptional({ maxLength: 1000 })
  @IsOptional()
  @IsString()
  @Length(1, 1000)
  @Matches(/^[^\0]*$/, { message: 'must not hold U+0000' })
  reason?: string;
}

class HeldItemView {
  @ApiProperty({ format: 'uuid' }) groupId: string;
  @ApiProperty({ type: String, nullable: true }) displayName: string | null;
  @ApiProperty({ enum: ['member_removal', 'team_deletion'] }) kind: string;
  @ApiProperty({ type: String, nullable: true }) remoteUserId: string | null;
  @ApiProperty({ type: String, nullable: true }) userName: string | null;
  @ApiProperty({ enum: ['held', 'approved', 'pinned'] }) state: string;
}

class HeldChangeView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ enum: ['team', 'integration', 'deletions'] }) scope: string;
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) groupId: string | null;
  @ApiProperty({ type: String, nullable: true }) displayName: string | null;
  @ApiProperty() message: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ enum: ['approved', 'rejected'], nullable: true, description: 'Null while it waits' })
  decision: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) decidedAt: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'Name of the key' }) decidedBy: string | null;
  @ApiProperty({ type: String, nullable: true }) note: string | null;
  @ApiProperty({ description: 'How many of its items are not settled yet' }) itemCount: number;
  @ApiProperty({ type: [HeldItemView], description: `The first ${ITEMS_SHOWN} of them` })
  items: HeldItemView[];
}

class HeldChangePage extends PageInfo {
  @ApiProperty({ type: [HeldChangeView] }) items: HeldChangeView[];
}

@ApiTags('Held changes')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1')
export class HeldChangesController {
  constructor(
    private readonly integrations: Integrations,
    private readonly heldChanges: HeldChanges,
  ) {}

  @Get('integrations/:id/held-changes')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List removals and deletions that were too many at once' })
  @ApiOkResponse({ type: HeldChangePage })
  async list(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @Query() query: PageQuery,
  ): Promise<Page<HeldChangeView>> {
    await this.integrations.get(admin, integrationId);
    const rows = await this.heldChanges.list(integrationId, cursorId(query), query.limit + 1);
    const items = await Promise.all(
      rows.slice(0, query.limit).map(({ id }) => this.heldChanges.items(id, ITEMS_SHOWN)),
    );
    const itemsOf = new Map(rows.map(({ id }, index) => [id, items[index] ?? []]));
    return toPage(rows, query.limit, (row) => present(row, itemsOf.get(row.id)!));
  }

  @Post('held-changes/:id/approve')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Carry out what is listed, as far as it is still wanted' })
  @ApiAcceptedResponse()
  async approve(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<void> {
    await this.heldChanges.approve(admin, id);
  }

  @Post('held-changes/:id/reject')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Leave what is listed undone until the IdP changes its mind about it' })
  @ApiAcceptedResponse()
  async reject(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') id: string,
    @Body() body: RejectHeldChange = {},
  ): Promise<void> {
    await this.heldChanges.reject(admin, id, body.reason ?? null);
  }

  @Delete('held-changes/:id')
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Lift the pins of a rejection' })
  @ApiNoContentResponse()
  async lift(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<void> {
    await this.heldChanges.lift(admin, id);
  }
}

function present(
  { integrationId: _, open, ...row }: HeldChangeRow,
  items: readonly HeldItemRow[],
): HeldChangeView {
  return {
    ...row,
    createdAt: isoTime(row.createdAt),
    decidedAt: isoTimeOrNull(row.decidedAt),
    itemCount: open,
    items: items.map(({ subject, ...item }) => ({
      ...item,
      kind: subject === '' ? 'team_deletion' : 'member_removal',
      remoteUserId: subject === '' ? null : subject,
    })),
  };
}
