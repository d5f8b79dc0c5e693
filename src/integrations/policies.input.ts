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
    description: 'Of the members of one team; 0: no threshold of one team',
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
    description: 'And at least so many of one team; 0: no threshold of one team',
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
    description: 'Of all memberships; 0: no threshold of all memberships',
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
    description: 'And at least so many of all memberships; 0: no threshold of all memberships',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  integrationMembers?: number;

  @ApiPropertyOptional({
    nullable: true,
    minimum: 0,
    default: DEFAULT_GUARD.deletedTeams,
    description: 'So many teams may be deleted; 0: any number',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  deletedTeams?: number;
}

/** Policies as an admin states them; what is null has its default. */
export class PoliciesInput implements GivenPolicies {
  @ApiPropertyOptional({ nullable: true, enum: EXISTING_TEAMS, default: DEFAULT_POLICIES.existingTeams })
  @IsOptional()
  @IsIn(EXISTING_TEAMS)
  existingTeams?: ExistingTeams;

  @ApiPropertyOptional({
    nullable: true,
    enum: UNMANAGED_MEMBERS,
    default: DEFAULT_POLICIES.unmanagedMembers,
    description: 'Members whom people put into a team by hand and whom the IdP never wanted there',
  })
  @IsOptional()
  @IsIn(UNMANAGED_MEMBERS)
  unmanagedMembers?: UnmanagedMembers;

  @ApiPropertyOptional({
    nullable: true,
    type: String,
    example: 'responder',
    description:
      'Role in the team of whoever is added: one of `memberRoles` of the provider (`GET /providers`); null: the target chooses',
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
      'How many people may leave their teams, and how many teams may be deleted, within an hour before an admin has to agree; 0 turns a threshold off',
  })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => GuardInput)
  guard?: GuardInput;
}
