import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DirectoryModule } from '../directory/directory.module';
import { IntegrationsModule } from '../integrations/integrations.module';
import { GroupApplier } from './apply/group-applier';
import { GroupViews } from './apply/group-view';
import { IntegrationRun } from './apply/integration-run';
import { Members } from './apply/members';
import { People } from './apply/people';
import { ProvisioningAudit } from './apply/provisioning-audit';
import { Teams } from './apply/teams';
import { UserResolution } from './apply/user-resolution';
import { GroupsStatusController } from './http/groups.controller';
import { RefusedWritesController } from './http/refused-writes.controller';
import { UsersStatusController } from './http/users.controller';
import { EmbeddedScheduler } from './schedule/embedded-scheduler';
import { Leases } from './schedule/lease';
import { RetryRequests } from './schedule/retry-requests';
import { Scheduler } from './schedule/scheduler';
import { WorkLedger } from './schedule/work-ledger';
import { RemoteGroup } from './state/remote-group.entity';
import { SyncStatus } from './state/sync-status';

@Module({
  imports: [DirectoryModule, IntegrationsModule, TypeOrmModule.forFeature([RemoteGroup])],
  controllers: [GroupsStatusController, UsersStatusController, RefusedWritesController],
  providers: [
    { provide: Scheduler, useClass: EmbeddedScheduler },
    IntegrationRun,
    GroupViews,
    People,
    UserResolution,
    Teams,
    Members,
    GroupApplier,
    ProvisioningAudit,
    Leases,
    WorkLedger,
    RetryRequests,
    SyncStatus,
  ],
})
export class ProvisioningModule {}
