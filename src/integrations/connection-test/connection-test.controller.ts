import { Body, HttpCode, Post, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { ApiProblems } from '../../admin-api/api-problems';
import { ApiIfMatch, type ExpectedVersions, IfMatch } from '../../admin-api/if-match';
import { IsText } from '../../admin-api/text';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { IntegrationOf } from '../integration-of';
import type { Integration } from '../integration.entity';
import type { DiagnosisCheck } from '../provider/integration-provider';
import { ConnectionTests } from './connection-tests.service';
import { SecretChanges } from './secret-changes.service';

const STATUSES = ['passed', 'failed', 'warning', 'skipped'] as const;

class ConnectionCheckView {
  @ApiProperty({ example: 'credential' }) id: string;
  @ApiProperty({ example: 'PagerDuty accepts the credential' }) title: string;
  @ApiProperty({ enum: STATUSES }) status: DiagnosisCheck['status'];
  @ApiProperty({
    description: 'What was found',
    example: 'PagerDuty did not issue an access token (HTTP 401).',
  })
  message: string;
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'What to do about it',
    example: 'Copy the client id and the client secret again from the app in PagerDuty.',
  })
  remedy: string | null;
}

class ConnectionTestView {
  @ApiProperty({ description: 'No check failed. Warnings are possible' }) ok: boolean;
  @ApiProperty({ type: [ConnectionCheckView] }) checks: ConnectionCheckView[];
}

class ChangeSecret {
  @ApiProperty({ description: 'OAuth client secret or API access key. Never shown again.', writeOnly: true })
  @IsText(1, 1000)
  secret: string;
}

@AdminController('integrations/:id', 'Integrations')
export class ConnectionTestController {
  constructor(
    private readonly tests: ConnectionTests,
    private readonly secrets: SecretChanges,
  ) {}

  @Post('connection-test')
  @HttpCode(200)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Test the connection to the target',
    description:
      'Checks everything that the integration needs in the account. The test takes at most 20 seconds and changes nothing ' +
      'there. The integration keeps the result as `connection`. When no check fails, a suspension ends, and ' +
      'Scimify retries everything that failed before at once.',
  })
  @ApiOkResponse({ type: ConnectionTestView })
  @ApiProblems('invalid_request')
  async test(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
  ): Promise<ConnectionTestView> {
    const { ok, checks } = await this.tests.run(admin, integration);
    return { ok, checks: checks.map(present) };
  }

  @Put('secret')
  @ApiIfMatch()
  @HttpCode(204)
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Replace the secret',
    description:
      'Scimify tests the new secret first and stores it only if it works and reaches the same account. This is also ' +
      'possible while the integration is being deleted: Scimify needs a working secret to release its teams.',
  })
  @ApiNoContentResponse()
  @ApiProblems(
    'account_mismatch',
    'visibility_lost',
    'changed_meanwhile',
    'secret_refused',
    'target_unavailable',
  )
  async changeSecret(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @Body() body: ChangeSecret,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<void> {
    await this.secrets.replace(admin, integration, body.secret, expected);
  }
}

function present({ id, title, status, message, remedy }: DiagnosisCheck): ConnectionCheckView {
  return { id, title, status, message, remedy };
}
