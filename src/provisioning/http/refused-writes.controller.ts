import { Delete, Get, HttpCode, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { IdParam } from '../../admin-api/id-param';
import { type Page, PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { Problem } from '../../admin-api/problem';
import { isoTime } from '../../admin-api/time';
import { withoutAdmission } from '../../directory/change-context';
import { type RefusedWriteRow, RefusedWrites } from '../../directory/refused-writes';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { REFUSAL_DETAIL } from './examples';

class RefusedWriteView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'date-time' }) at: string;
  @ApiProperty({ enum: ['POST', 'PUT', 'PATCH', 'DELETE'] }) method: string;
  @ApiProperty({ description: 'Path below the SCIM base URL', example: '/Groups/0198…' }) path: string;
  @ApiProperty({ example: 400 }) status: number;
  @ApiProperty({ description: 'The error that the IdP got', example: REFUSAL_DETAIL }) detail: string;
  @ApiProperty({
    type: [String],
    description: 'Attributes and `members:{id}` of the write that no later write has replaced',
  })
  named: string[];
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) groupId: string | null;
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) userId: string | null;
  @ApiProperty({ description: 'Name of the SCIM key that the IdP used', example: 'Okta' }) scimKey: string;
}

class RefusedWritePage extends PageInfo {
  @ApiProperty({ type: [RefusedWriteView] }) items: RefusedWriteView[];
}

@AdminController('integrations/:id/refused-writes', 'Refused writes')
export class RefusedWritesController {
  constructor(private readonly refusedWrites: RefusedWrites) {}

  @Get()
  @RequiresRole('viewer')
  @ApiOperation({
    summary: 'List the permanently refused writes of the IdP, the newest first',
    description: 'The IdP does not repeat them. Its data and ours differ until a later write replaces them.',
  })
  @ApiOkResponse({ type: RefusedWritePage })
  async list(
    @IntegrationOf('id') { id: integrationId }: Integration,
    @Query() query: PageQuery,
  ): Promise<Page<RefusedWriteView>> {
    const rows = await this.refusedWrites.list(integrationId, cursorId(query), query.limit + 1);
    return toPage(rows, query.limit, present);
  }

  @Delete(':refusedWriteId')
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Mark a refused write as settled' })
  @ApiNoContentResponse()
  async dismiss(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') { id: integrationId, tenantId }: Integration,
    @IdParam('refusedWriteId') id: string,
  ): Promise<void> {
    const context = { integrationId, tenantId, actor: admin.actor, admit: withoutAdmission };
    if (!(await this.refusedWrites.dismiss(context, id))) throw Problem.notFound('refused write');
  }
}

function present({ resourceType, resourceId, ...row }: RefusedWriteRow): RefusedWriteView {
  return {
    ...row,
    at: isoTime(row.at),
    groupId: resourceType === 'Group' ? resourceId : null,
    userId: resourceType === 'User' ? resourceId : null,
  };
}
