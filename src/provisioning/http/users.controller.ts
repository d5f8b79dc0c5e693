import { Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { type Page, PageInfo, PageQuery, cursorId, toPage } from '../../admin-api/page';
import { IsText } from '../../admin-api/text';
import { isoTimeOrNull } from '../../admin-api/time';
import { RefusedWrites } from '../../directory/refused-writes';
import { IntegrationOf } from '../../integrations/integration-of';
import type { Integration } from '../../integrations/integration.entity';
import { RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { UNKNOWN_PERSON } from './examples';
import { RefusalView, presentRefusal } from './refusal.view';
import { PeopleStatuses, USER_STATES, type UserLinkState } from '../state/people-status';

class UsersQuery extends PageQuery {
  @ApiPropertyOptional({ enum: USER_STATES })
  @IsOptional()
  @IsIn(USER_STATES)
  state?: UserLinkState;

  @ApiPropertyOptional({ description: 'Part of the user name or address; ignores case' })
  @IsOptional()
  @IsText(1, 256)
  search?: string;
}

class UserView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty() userName: string;
  @ApiProperty({ type: String, nullable: true }) email: string | null;
  @ApiProperty() active: boolean;
  @ApiProperty({ enum: USER_STATES, description: 'Whether the user is linked to a user of the target' })
  state: UserLinkState;
  @ApiProperty({ type: String, nullable: true, example: UNKNOWN_PERSON.reason }) reason: string | null;
  @ApiProperty({ type: String, nullable: true, example: UNKNOWN_PERSON.message }) message: string | null;
  @ApiProperty({ type: String, nullable: true }) remoteUserId: string | null;
  @ApiProperty({ description: 'An admin set the link; no look-up changes it' }) pinned: boolean;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) nextAttemptAt: string | null;
  @ApiProperty({ type: RefusalView, nullable: true }) idpWriteRefused: RefusalView | null;
}

class UserPage extends PageInfo {
  @ApiProperty({ type: [UserView] }) items: UserView[];
}

@AdminController('integrations/:id/users', 'Users')
export class UsersStatusController {
  constructor(
    private readonly people: PeopleStatuses,
    private readonly refusedWrites: RefusedWrites,
  ) {}

  @Get()
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the users with their links to users of the target' })
  @ApiOkResponse({ type: UserPage })
  async list(
    @IntegrationOf('id') integration: Integration,
    @Query() query: UsersQuery,
  ): Promise<Page<UserView>> {
    const rows = await this.people.users(integration, { ...query, after: cursorId(query) });
    const refused = await this.refusedWrites.latestOf(
      integration.id,
      rows.map(({ id }) => id),
    );
    return toPage(rows, query.limit, (user) => ({
      ...user,
      nextAttemptAt: isoTimeOrNull(user.nextAttemptAt),
      idpWriteRefused: presentRefusal(refused.get(user.id)),
    }));
  }
}
