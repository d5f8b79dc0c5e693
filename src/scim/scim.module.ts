import { Module } from '@nestjs/common';
import { DirectoryModule } from '../directory/directory.module';
import { IntegrationsModule } from '../integrations/integrations.module';
import { ScimAuthentication } from './authentication/scim-authentication';
import { DiscoveryController } from './http/discovery.controller';
import { ScimGroupsController } from './http/groups.controller';
import { ScimUsersController } from './http/users.controller';
import { GroupResources } from './resources/group-resources';
import { GroupMembers } from './resources/members';
import { UserResources } from './resources/user-resources';

@Module({
  imports: [DirectoryModule, IntegrationsModule],
  controllers: [ScimUsersController, ScimGroupsController, DiscoveryController],
  providers: [ScimAuthentication, UserResources, GroupResources, GroupMembers],
})
export class ScimModule {}
