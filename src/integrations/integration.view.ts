import { ApiProperty } from '@nestjs/swagger';
import { isoTime, isoTimeOrNull } from '../admin-api/time';
import {
  DELETED_TEAMS,
  type DeletedTeams,
  INTEGRATION_MODES,
  type Integration,
  type IntegrationMode,
} from './integration.entity';
import {
  EXISTING_TEAMS,
  type ExistingTeams,
  type GuardPolicy,
  type IntegrationPolicies,
  ON_GROUP_DELETE,
  type OnGroupDelete,
  UNMANAGED_MEMBERS,
  type UnmanagedMembers,
} from './policies';

const FAILURE = {
  reason: 'oauth_client_refused',
  message:
    'PagerDuty did not issue an access token (HTTP 401). Check the client id, the client secret, the account subdomain, the region and the scopes of the app (teams.read, teams.write, users.read).',
};

class GuardView implements GuardPolicy {
  @ApiProperty({ minimum: 0, maximum: 100 }) teamPercent: number;
  @ApiProperty({ minimum: 0 }) teamMembers: number;
  @ApiProperty({ minimum: 0, maximum: 100 }) integrationPercent: number;
  @ApiProperty({ minimum: 0 }) integrationMembers: number;
  @ApiProperty({ minimum: 0 }) deletedTeams: number;
}

class PoliciesView implements IntegrationPolicies {
  @ApiProperty({ enum: EXISTING_TEAMS }) existingTeams: ExistingTeams;
  @ApiProperty({ enum: UNMANAGED_MEMBERS }) unmanagedMembers: UnmanagedMembers;
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'responder',
    description: 'One of `memberRoles` of the provider. Null: the target chooses',
  })
  memberRole: string | null;
  @ApiProperty({ enum: ON_GROUP_DELETE }) onGroupDelete: OnGroupDelete;
  @ApiProperty({ minimum: 15 }) reconcileEveryMinutes: number;
  @ApiProperty({ type: GuardView }) guard: GuardPolicy;
}

class AccountView {
  @ApiProperty({ example: 'acme' }) name: string;
  @ApiProperty({ example: 'https://acme.pagerduty.com' }) url: string;
}

class ConnectionView {
  @ApiProperty({ enum: ['unknown', 'ok', 'failed'] }) status: string;
  @ApiProperty({ type: String, nullable: true, example: FAILURE.reason }) reason: string | null;
  @ApiProperty({ type: String, nullable: true, example: FAILURE.message }) message: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) checkedAt: string | null;
}

class SuspensionView {
  @ApiProperty({ example: FAILURE.reason }) reason: string;
  @ApiProperty({ example: FAILURE.message }) message: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) since: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) nextProbeAt: string | null;
}

export class IntegrationView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'uuid' }) tenantId: string;
  @ApiProperty({ example: 'pagerduty' }) provider: string;
  @ApiProperty({ example: 'PagerDuty production' }) name: string;
  @ApiProperty({ enum: INTEGRATION_MODES }) mode: IntegrationMode;
  @ApiProperty({ type: SuspensionView, nullable: true }) suspension: SuspensionView | null;
  @ApiProperty({ type: Object }) settings: object;
  @ApiProperty({ type: PoliciesView }) policies: IntegrationPolicies;
  @ApiProperty({ description: 'The SCIM base URL to enter in the IdP' }) scimBaseUrl: string;
  @ApiProperty({ type: AccountView, nullable: true }) account: AccountView | null;
  @ApiProperty({ type: ConnectionView }) connection: ConnectionView;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description:
      'When an admin deleted it. It is shown until Scimify has handled its teams and removed its data',
  })
  deletingSince: string | null;
  @ApiProperty({ enum: DELETED_TEAMS, nullable: true, description: 'What Scimify does with its teams' })
  deletingTeams: DeletedTeams | null;
  @ApiProperty({ description: 'Rises with every change by an admin. The `ETag` contains it' })
  revision: number;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ format: 'date-time' }) updatedAt: string;
}

/** Never contains the secret. */
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
    revision: integration.revision,
    createdAt: isoTime(integration.createdAt),
    updatedAt: isoTime(integration.updatedAt),
  };
}
