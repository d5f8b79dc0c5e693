import { ApiProperty } from '@nestjs/swagger';
import { isoTimeOrNull } from '../admin-api/page';
import {
  DELETED_TEAMS,
  type DeletedTeams,
  INTEGRATION_MODES,
  type Integration,
  type IntegrationMode,
} from './integration.entity';
import { type GuardPolicy, type IntegrationPolicies, MEMBER_ROLES, type MemberRole } from './policies';

class GuardView implements GuardPolicy {
  @ApiProperty({ minimum: 0, maximum: 100 }) teamPercent: number;
  @ApiProperty({ minimum: 0 }) teamMembers: number;
  @ApiProperty({ minimum: 0, maximum: 100 }) integrationPercent: number;
  @ApiProperty({ minimum: 0 }) integrationMembers: number;
  @ApiProperty({ minimum: 0 }) deletedTeams: number;
}

class PoliciesView implements IntegrationPolicies {
  @ApiProperty({ enum: ['adopt', 'fail'] }) existingTeams: 'adopt' | 'fail';
  @ApiProperty({ enum: ['keep', 'remove'] }) unmanagedMembers: 'keep' | 'remove';
  @ApiProperty({ enum: MEMBER_ROLES, nullable: true, description: 'Null: the target chooses' })
  memberRole: MemberRole | null;
  @ApiProperty({ enum: ['delete', 'release', 'leave'] }) onGroupDelete: 'delete' | 'release' | 'leave';
  @ApiProperty({ minimum: 15 }) reconcileEveryMinutes: number;
  @ApiProperty({ type: GuardView }) guard: GuardPolicy;
}

class AccountView {
  @ApiProperty({ example: 'acme' }) name: string;
  @ApiProperty({ example: 'https://acme.pagerduty.com' }) url: string;
}

class ConnectionView {
  @ApiProperty({ enum: ['unknown', 'ok', 'failed'] }) status: string;
  @ApiProperty({ type: String, nullable: true }) reason: string | null;
  @ApiProperty({ type: String, nullable: true }) message: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) checkedAt: string | null;
}

class SuspensionView {
  @ApiProperty({ example: 'invalid_client' }) reason: string;
  @ApiProperty() message: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) since: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) nextProbeAt: string | null;
}

export class IntegrationView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'uuid' }) tenantId: string;
  @ApiProperty({ example: 'pagerduty' }) provider: string;
  @ApiProperty() name: string;
  @ApiProperty({ enum: INTEGRATION_MODES }) mode: IntegrationMode;
  @ApiProperty({ type: SuspensionView, nullable: true }) suspension: SuspensionView | null;
  @ApiProperty({ type: Object }) settings: object;
  @ApiProperty({ type: PoliciesView }) policies: IntegrationPolicies;
  @ApiProperty({ description: 'What the IdP is given as SCIM base URL' }) scimBaseUrl: string;
  @ApiProperty({ type: AccountView, nullable: true }) account: AccountView | null;
  @ApiProperty({ type: ConnectionView }) connection: ConnectionView;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'It was deleted: it is shown until its teams are let go and its rows are gone',
  })
  deletingSince: string | null;
  @ApiProperty({ enum: DELETED_TEAMS, nullable: true, description: 'What becomes of its teams' })
  deletingTeams: DeletedTeams | null;
}

/** How an integration is shown; its secret is not. */
export function presentIntegration(integration: Integration, publicUrl: string): IntegrationView {
  return {
    id: integration.id,
    tenantId: integration.tenantId,
    provider: integration.provider,
    name: integration.name,
    mode: integration.mode,
    suspension:
      integration.suspensionReason === null
        ? null
        : {
            reason: integration.suspensionReason,
            message: integration.suspensionMessage ?? '',
            since: isoTimeOrNull(integration.suspendedSince),
            nextProbeAt: isoTimeOrNull(integration.nextProbeAt),
          },
    settings: integration.settings,
    policies: integration.policies,
    scimBaseUrl: `${publicUrl}/scim/v2/${integration.id}`,
    account:
      integration.accountIdentity === null
        ? null
        : { name: integration.accountName ?? '', url: integration.accountUrl ?? '' },
    connection: {
      status: integration.connectionStatus,
      reason: integration.connectionReason,
      message: integration.connectionMessage,
      checkedAt: isoTimeOrNull(integration.connectionCheckedAt),
    },
    deletingSince: isoTimeOrNull(integration.deletingSince),
    deletingTeams: integration.deletingTeams,
  };
}
