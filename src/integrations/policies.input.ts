import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, Max, Min, ValidateNested } from 'class-validator';
import {
  DEFAULT_GUARD,
  DEFAULT_POLICIES,
  EXISTING_TEAMS,
  type ExistingTeams,
  type GivenPolicies,
  type GuardPolicy,
  ON_GROUP_DELETE,
  type OnGroupDelete,
  UNMANAGED_MEMBERS,
  type UnmanagedMembers,
} from './policies';
import { IsText } from '../admin-api/text';

class GuardInput implements Partial<GuardPolicy> {
  @ApiPropertyOptional({
    nullable: true,
    minimum: 0,
    maximum: 100,
    default: DEFAULT_GUARD.teamPercent,
    description: 'Percentage of the members of one team. 0 turns off the team threshold',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100)
  teamPercent?: number;

  @ApiPropertyOptional({
    nullable: true,
    minimum: 0,
    default: DEFAULT_GUARD.teamMembers,
    description: 'And a minimum number of removals from one team. 0 turns off the team threshold',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  teamMembers?: number;

  @ApiPropertyOptional({
    nullable: true,
    minimum: 0,
    maximum: 100,
    default: DEFAULT_GUARD.integrationPercent,
    description: 'Percentage of all memberships. 0 turns off the integration threshold',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100)
  integrationPercent?: number;

  @ApiPropertyOptional({
    nullable: true,
    minimum: 0,
    default: DEFAULT_GUARD.integrationMembers,
    description: 'And a minimum number of removals from all teams. 0 turns off the integration threshold',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  integrationMembers?: number;

  @ApiPropertyOptional({
    nullable: true,
    minimum: 0,
    default: DEFAULT_GUARD.deletedTeams,
    description: 'Number of teams that may be deleted. 0 allows any number',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  deletedTeams?: number;
}

/** Policies as an admin states them. Null means the default. */
export class PoliciesInput implements GivenPolicies {
  @ApiPropertyOptional({ nullable: true, enum: EXISTING_TEAMS, default: DEFAULT_POLICIES.existingTeams })
  @IsOptional()
  @IsIn(EXISTING_TEAMS)
  existingTeams?: ExistingTeams;

  @ApiPropertyOptional({
    nullable: true,
    enum: UNMANAGED_MEMBERS,
    default: DEFAULT_POLICIES.unmanagedMembers,
    description: 'Members that were added to a team by hand and that the IdP never assigned to it',
  })
  @IsOptional()
  @IsIn(UNMANAGED_MEMBERS)
  unmanagedMembers?: UnmanagedMembers;

  @ApiPropertyOptional({
    nullable: true,
    type: String,
    example: 'responder',
    description:
      'Team role of each member that Scimify adds: one of `memberRoles` of the provider (`GET /providers`). Null: the target chooses',
  })
  @IsOptional()
  @IsText(1, 32)
  memberRole?: string;

  @ApiPropertyOptional({ nullable: true, enum: ON_GROUP_DELETE, default: DEFAULT_POLICIES.onGroupDelete })
  @IsOptional()
  @IsIn(ON_GROUP_DELETE)
  onGroupDelete?: OnGroupDelete;

  @ApiPropertyOptional({
    nullable: true,
    minimum: 15,
    maximum: 10080,
    default: DEFAULT_POLICIES.reconcileEveryMinutes,
  })
  @IsOptional()
  @IsInt()
  @Min(15)
  @Max(10_080)
  reconcileEveryMinutes?: number;

  @ApiPropertyOptional({
    nullable: true,
    type: GuardInput,
    description:
      'How many members may be removed and how many teams may be deleted within an hour. More must wait until an admin approves. 0 turns a threshold off',
  })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => GuardInput)
  guard?: GuardInput;
}
