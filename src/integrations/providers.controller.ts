import { Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { RequiresRole } from '../tenants/authentication/admin';
import { AdminController } from '../tenants/authentication/admin-controller';
import { ProviderRegistry } from './provider/provider-registry';

class AuthMethodView {
  @ApiProperty({ example: 'oauth' }) id: string;
  @ApiProperty({ example: 'Scoped OAuth' }) title: string;
  @ApiProperty({ example: 'The secret is the client secret of an app that is registered in the account.' })
  description: string;
}

class MemberRoleView {
  @ApiProperty({ example: 'responder' }) id: string;
  @ApiProperty({ example: 'Responder' }) title: string;
  @ApiProperty({ example: 'May act on incidents of the team.' }) description: string;
}

class GuideView {
  @ApiProperty({ example: 'Register an app for Scoped OAuth' }) title: string;
  @ApiProperty({ format: 'uri' }) url: string;
}

class ProviderView {
  @ApiProperty({ example: 'pagerduty', description: '`provider` of an integration' }) type: string;
  @ApiProperty({ example: 'PagerDuty' }) displayName: string;
  @ApiProperty({ type: [AuthMethodView] }) authMethods: AuthMethodView[];
  @ApiProperty({ type: Object, description: 'JSON Schema (2020-12) of `settings` of an integration' })
  settingsSchema: Record<string, unknown>;
  @ApiProperty({
    type: [MemberRoleView],
    description: 'Allowed values of the policy `memberRole`. Empty if groups of the target have no roles',
  })
  memberRoles: MemberRoleView[];
  @ApiProperty({ type: [GuideView] }) guides: GuideView[];
}

class ProviderList {
  @ApiProperty({ type: [ProviderView] }) items: ProviderView[];
}

@AdminController('providers', 'Providers')
export class ProvidersController {
  constructor(private readonly providers: ProviderRegistry) {}

  @Get()
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the provider types and the settings that each one needs' })
  @ApiOkResponse({ type: ProviderList })
  list(): ProviderList {
    return {
      items: this.providers.types.map((type) => {
        const { displayName, authMethods, settingsSchema, memberRoles, guides } =
          this.providers.get(type).description;
        return {
          type,
          displayName,
          authMethods: [...authMethods],
          settingsSchema,
          memberRoles: [...memberRoles],
          guides: [...guides],
        };
      }),
    };
  }
}
