import { Module } from '@nestjs/common';
import { DirectoryModule } from '../directory/directory.module';
import { IntegrationsModule } from '../integrations/integrations.module';
import { SecurityModule } from '../security/security.module';
import { ScimAuthentication } from './authentication/scim-authentication';
import { BulkController } from './http/bulk.controller';
import { BulkOperations } from './operations/bulk-operations';
import { DiscoveryController } from './http/discovery.controller';
import { ScimGroupsController } from './http/groups.controller';
import { ScimUsersController } from './http/users.controller';
import { ScimRootController } from './http/root.controller';
import { GroupOperations } from './operations/group-operations';
import { UserOperations } from './operations/user-operations';
import { RefusedWriteRecorder } from './operations/refused-write-recorder';
import { WriteOutcomeHook } from './http/write-outcome.hook';
import { Cursors } from './resources/cursors';
import { RootSearch } from './resources/root-search';
import { GroupResources } from './resources/group-resources';
import { GroupMembers } from './resources/members';
import { UserResources } from './resources/user-resources';

@Module({
  imports: [SecurityModule, DirectoryModule, IntegrationsModule],
  // The last controller handles every path that the others do not.
  controllers: [
    ScimUsersController,
    ScimGroupsController,
    DiscoveryController,
    BulkController,
    ScimRootController,
  ],
  providers: [
    ScimAuthentication,
    UserOperations,
    GroupOperations,
    BulkOperations,
    RefusedWriteRecorder,
    WriteOutcomeHook,
    UserResources,
    GroupResources,
    GroupMembers,
    RootSearch,
    Cursors,
  ],
})
export class ScimModule {}
