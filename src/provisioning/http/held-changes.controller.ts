import { Body, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  OmitType,
} from '@nestjs/swagger';
import { IsInt, IsOptional, Min } from 'class-validator';
import { validate as isUuid } from 'uuid';
import { ApiProblems } from '../../admin-api/api-problems';
import { IdParam } from '../../admin-api/id-param';
import { type Page, PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { Problem } from '../../admin-api/problem';
import { IsText } from '../../admin-api/text';
import { isoTime, isoTimeOrNull } from '../../admin-api/time';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { type HeldChangeRow, HeldChanges, type HeldItemKey, type HeldItemRow } from '../guard/held-changes';

const ITEMS_SHOWN = 200;
const REJECTION_REASON = 'The team was not dissolved';

/** Which part of a held change the admin decides about. */
class DecideHeldChange {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description:
      '`revision` of the change as you saw it. Later items stay held, as a change of their own. ' +
      'The default is the revision of the last listing, for any admin.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  revision?: number;
}

class RejectHeldChange extends DecideHeldChange {
  @ApiPropertyOptional({ example: REJECTION_REASON })
  @IsOptional()
  @IsText(1, 1000)
  reason?: string;
}

class HeldItemsQuery extends OmitType(PageQuery, ['cursor']) {
  @ApiPropertyOptional({ description: '`nextCursor` of the previous page' })
  @IsOptional()
  @IsText(0, 400)
  cursor?: string;
}

class HeldItemView {
  @ApiProperty({ format: 'uuid' }) groupId: string;
  @ApiProperty({ type: String, nullable: true }) displayName: string | null;
  @ApiProperty({ enum: ['member_removal', 'team_deletion'] }) kind: string;
  @ApiProperty({ type: String, nullable: true }) remoteUserId: string | null;
  @ApiProperty({ type: String, nullable: true }) userName: string | null;
  @ApiProperty({ enum: ['held', 'approved', 'pinned'] }) state: string;
  @ApiProperty({ type: 'integer', description: 'Revision of the change that added the item' })
  revision: number;
}

class HeldItemPage extends PageInfo {
  @ApiProperty({ type: [HeldItemView] }) items: HeldItemView[];
}

class HeldChangeView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ enum: ['team', 'integration', 'deletions'] }) scope: string;
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) groupId: string | null;
  @ApiProperty({ type: String, nullable: true }) displayName: string | null;
  @ApiProperty({
    example:
      'The identity provider removes most members from "Platform on-call" within an hour. Approve this change if it is intended, or reject it.',
  })
  message: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ type: 'integer', description: 'Rises with each addition' }) revision: number;
  @ApiProperty({ enum: ['approved', 'rejected'], nullable: true, description: 'Null until an admin decides' })
  decision: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) decidedAt: string | null;
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Name of the admin key',
    example: 'On-call admin',
  })
  decidedBy: string | null;
  @ApiProperty({ type: String, nullable: true, example: REJECTION_REASON }) note: string | null;
  @ApiProperty({ description: 'How many of its items are still open' }) itemCount: number;
  @ApiProperty({
    type: [HeldItemView],
    description: `The first ${ITEMS_SHOWN} open items; \`/items\` has all of them`,
  })
  items: HeldItemView[];
}

class HeldChangePage extends PageInfo {
  @ApiProperty({ type: [HeldChangeView] }) items: HeldChangeView[];
}

@AdminController('', 'Held changes')
export class HeldChangesController {
  constructor(private readonly heldChanges: HeldChanges) {}

  @Get('integrations/:id/held-changes')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List removals and deletions that were too many at once' })
  @ApiOkResponse({ type: HeldChangePage })
  async list(
    @IntegrationOf('id') { id: integrationId }: Integration,
    @Query() query: PageQuery,
  ): Promise<Page<HeldChangeView>> {
    const rows = await this.heldChanges.list(integrationId, cursorId(query), query.limit);
    const items = await Promise.all(
      rows.slice(0, query.limit).map(({ id }) => this.heldChanges.items(id, null, ITEMS_SHOWN)),
    );
    const itemsOf = new Map(rows.map(({ id }, index) => [id, items[index] ?? []]));
    return toPage(rows, query.limit, (row) => present(row, itemsOf.get(row.id)!));
  }

  @Get('held-changes/:id/items')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List all removals and deletions of a held change' })
  @ApiOkResponse({ type: HeldItemPage })
  async items(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') id: string,
    @Query() query: HeldItemsQuery,
  ): Promise<Page<HeldItemView>> {
    const rows = await this.heldChanges.itemsPage(admin, id, itemAfter(query), query.limit + 1);
    const items = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? items.at(-1)! : null;
    return { items: items.map(presentItem), nextCursor: last && cursorOf(last) };
  }

  @Post('held-changes/:id/approve')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Approve the listed items: Scimify does what the IdP still wants' })
  @ApiAcceptedResponse()
  @ApiProblems('decided_already', 'not_listed')
  @ApiBody({ type: DecideHeldChange, required: false })
  async approve(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') id: string,
    @Body() body: DecideHeldChange = {},
  ): Promise<void> {
    await this.heldChanges.approve(admin, id, body.revision ?? null);
  }

  @Post('held-changes/:id/reject')
  @HttpCode(202)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Reject the listed items: Scimify does not do them until the IdP reverts and repeats them',
  })
  @ApiAcceptedResponse()
  @ApiProblems('decided_already', 'not_listed')
  @ApiBody({ type: RejectHeldChange, required: false })
  async reject(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') id: string,
    @Body() body: RejectHeldChange = {},
  ): Promise<void> {
    await this.heldChanges.reject(admin, id, body.revision ?? null, body.reason ?? null);
  }

  @Delete('held-changes/:id')
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Lift a rejection, so that Scimify plans its items again' })
  @ApiNoContentResponse()
  async lift(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<void> {
    await this.heldChanges.lift(admin, id);
  }
}

function present(
  { integrationId: _, listedRevision: __, open, ...row }: HeldChangeRow,
  items: readonly HeldItemRow[],
): HeldChangeView {
  return {
    ...row,
    createdAt: isoTime(row.createdAt),
    decidedAt: isoTimeOrNull(row.decidedAt),
    itemCount: open,
    items: items.map(presentItem),
  };
}

function presentItem({ subject, ...item }: HeldItemRow): HeldItemView {
  return {
    ...item,
    kind: subject === '' ? 'team_deletion' : 'member_removal',
    remoteUserId: subject === '' ? null : subject,
  };
}

function cursorOf({ groupId, subject }: HeldItemKey): string {
  return Buffer.from(`${groupId}:${subject}`).toString('base64url');
}

function itemAfter({ cursor }: HeldItemsQuery): HeldItemKey | null {
  if (cursor === undefined || cursor === '') return null;
  const [, groupId, subject] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (isUuid(groupId)) return { groupId: groupId!, subject: subject! };
  throw Problem.invalid([{ field: 'cursor', message: 'is not a cursor of this list' }]);
}
