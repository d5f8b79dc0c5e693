import { Body, Controller, HttpCode, Post, Put, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { IsString, Length } from 'class-validator';
import { IdParam } from '../../admin-api/id-param';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import type { DiagnosisCheck } from '../provider/integration-provider';
import { ConnectionTests } from './connection-tests.service';
import { SecretChanges } from './secret-changes.service';

const STATUSES = ['passed', 'failed', 'warning', 'skipped'] as const;

class ConnectionCheckView {
  @ApiProperty({ example: 'credential' }) id: string;
  @ApiProperty({ example: 'PagerDuty accepts the credential' }) title: string;
  @ApiProperty({ enum: STATUSES }) status: DiagnosisCheck['status'];
  @ApiProperty({ description: 'What was found' }) message: string;
  @ApiProperty({ type: String, nullable: true, description: 'What to do about it' }) remedy: string | null;
}

class ConnectionTestView {
  @ApiProperty({ description: 'No check failed; there may be warnings' }) ok: boolean;
  @ApiProperty({ type: [ConnectionCheckView] }) checks: ConnectionCheckView[];
}

class ChangeSecret {
  @ApiProperty({ description: 'OAuth client secret or API access key. Never shown again.', writeOnly: true })
  @IsString()
  @Length(1, 1000)
  secret: string;
}

@ApiTags('Integrations')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/integrations/:id')
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
      'Looks at everything that the account has to have, in at most 20 seconds, and changes nothing there. The result is ' +
      'kept as `connection` of the integration; when every check passes, a suspension ends.',
  })
  @ApiOkResponse({ type: ConnectionTestView })
  async test(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<ConnectionTestView> {
    const { ok, checks } = await this.tests.run(admin, id);
    return { ok, checks: checks.map(present) };
  }

  @Put('secret')
  @HttpCode(204)
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Replace the secret',
    description: 'The new secret is tried first, and stored only if it works and reaches the same account.',
  })
  @ApiNoContentResponse()
  @ApiConflictResponse({ description: 'It belongs to another account, or the integration changed meanwhile' })
  @ApiUnprocessableEntityResponse({ description: 'The target refuses it' })
  @ApiServiceUnavailableResponse({ description: 'The target could not be asked' })
  async changeSecret(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') id: string,
    @Body() body: ChangeSecret,
  ): Promise<void> {
    await this.secrets.replace(admin, id, body.secret);
  }
}

function present({ id, title, status, message, remedy }: DiagnosisCheck): ConnectionCheckView {
  return { id, title, status, message, remedy };
}
