import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { DirectoryModule } from '../directory/directory.module';
import { IntegrationsModule } from '../integrations/integrations.module';
import { AccountCheck } from './apply/account-check';
import { DepartedMembers } from './apply/departed-members';
import { FormerAddresses } from './apply/former-addresses';
import { DueGroups } from './apply/due-groups';
import { GroupApplier } from './apply/group-applier';
import { GroupDeletion } from './apply/group-deletion';
import { GroupBatches } from './apply/group-batches';
import { GroupWork } from './apply/group-work';
import { UrgentLeavers } from './apply/urgent-leavers';
import { GroupLoader } from './apply/loaded-group';
import { IntegrationRemoval } from './apply/integration-removal';
import { IntegrationRun } from './apply/integration-run';
import { LeaverRemoval } from './apply/leaver-removal';
import { MemberCalls } from './apply/member-calls';
import { Members } from './apply/members';
import { RemovalIntents } from './apply/removal-intents';
import { People } from './apply/people';
import { ProvisioningAudit } from './apply/provisioning-audit';
import { RunWatches } from './apply/run-watch';
import { ShownAddresses } from './apply/shown-addresses';
import { SmallChanges } from './apply/small-changes';
import { RemoteGroupNames } from './apply/remote-group-names';
import { RemoteGroups } from './apply/remote-groups';
import { UserResolution } from './apply/user-resolution';
import { DryRun } from './dry-run/dry-run';
import { GroupsToPlan } from './dry-run/groups-to-plan';
import { GroupDryRun } from './dry-run/group-dry-run';
import { GroupsStatusController } from './http/groups.controller';
import { HeldChanges } from './guard/held-changes';
import { HeldLeavers } from './guard/held-leavers';
import { RemovalScreen } from './guard/removal-screen';
import { HeldChangesController } from './http/held-changes.controller';
import { DriftController } from './http/drift.controller';
import { LifecycleController } from './http/lifecycle.controller';
import { OverviewController } from './http/overview.controller';
import { PlanController } from './http/plan.controller';
import { RefusedWritesController } from './http/refused-writes.controller';
import { RemoteLinkController } from './http/remote-link.controller';
import { ReleaseController } from './http/release.controller';
import { UsersStatusController } from './http/users.controller';
import { DriftLedger } from './reconcile/drift-ledger';
import { LinkedPeople } from './reconcile/linked-people';
import { Reconciler } from './reconcile/reconciler';
import { EmbeddedScheduler } from './schedule/embedded-scheduler';
import { Leases } from './schedule/lease';
import { LifecycleRequests } from './schedule/lifecycle-requests';
import { LinkRequests } from './schedule/link-requests';
import { ReleaseRequests } from './schedule/release-requests';
import { RetryRequests } from './schedule/retry-requests';
import { Scheduler } from './schedule/scheduler';
import { SetBackClock } from './schedule/set-back-clock';
import { WorkLedger } from './schedule/work-ledger';
import { DirectoryUsage } from './state/directory-usage';
import { ClaimedRemoteGroups } from './state/claimed-remote-groups';
import { LingeringMembers } from './state/lingering-members';
import { MembershipCounts } from './state/membership-counts';
import { Overview } from './state/overview';
import { RemoteGroup } from './state/remote-group.entity';
import { RemoteRows } from './state/remote-rows';
import { GroupStatuses } from './state/group-status';
import { PeopleStatuses } from './state/people-status';

@Module({
  imports: [AuditModule, DirectoryModule, IntegrationsModule, TypeOrmModule.forFeature([RemoteGroup])],
  controllers: [
    GroupsStatusController,
    UsersStatusController,
    PlanController,
    OverviewController,
    DriftController,
    HeldChangesController,
    RefusedWritesController,
    LifecycleController,
    ReleaseController,
    RemoteLinkController,
  ],
  providers: [
    { provide: Scheduler, useClass: EmbeddedScheduler },
    SetBackClock,
    DueGroups,
    GroupBatches,
    GroupWork,
    SmallChanges,
    UrgentLeavers,
    IntegrationRun,
    RunWatches,
    GroupLoader,
    People,
    UserResolution,
    ShownAddresses,
    FormerAddresses,
    DepartedMembers,
    RemoteGroups,
    RemoteGroupNames,
    Members,
    MemberCalls,
    RemovalIntents,
    LeaverRemoval,
    GroupApplier,
    GroupDeletion,
    ProvisioningAudit,
    LinkedPeople,
    Reconciler,
    DriftLedger,
    RemovalScreen,
    HeldChanges,
    HeldLeavers,
    Leases,
    WorkLedger,
    RetryRequests,
    LifecycleRequests,
    ReleaseRequests,
    LinkRequests,
    AccountCheck,
    IntegrationRemoval,
    RemoteRows,
    GroupStatuses,
    PeopleStatuses,
    DirectoryUsage,
    ClaimedRemoteGroups,
    LingeringMembers,
    MembershipCounts,
    Overview,
    GroupDryRun,
    DryRun,
    GroupsToPlan,
  ],
})
export class ProvisioningModule {}
