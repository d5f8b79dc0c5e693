import { RoomProbe } from './database/room-probe.entity';
import { IdempotencyKey } from './admin-api/idempotency/idempotency-key.entity';
import { AuditEvent } from './audit/audit-event.entity';
import { GroupChange, MemberChange } from './directory/change.entity';
import { DirectoryCount } from './directory/directory-count.entity';
import { RefusedWrite } from './directory/refused-write.entity';
import { GroupMember } from './directory/group-member.entity';
import { ScimGroup } from './directory/group.entity';
import { ScimUser } from './directory/user.entity';
import { Integration } from './integrations/integration.entity';
import { ScimKey } from './integrations/scim-keys/scim-key.entity';
import { EncryptionCheck } from './integrations/secrets/encryption-check.entity';
import { GuardEvent, HeldChange, HeldItem } from './provisioning/guard/guard.entities';
import { Drift } from './provisioning/reconcile/drift.entity';
import { IntegrationWork } from './provisioning/schedule/integration-work.entity';
import { LeaseRow } from './provisioning/schedule/lease.entity';
import { ParkedMember } from './provisioning/state/parked-member.entity';
import { RemoteGroup } from './provisioning/state/remote-group.entity';
import { RemoteMember } from './provisioning/state/remote-member.entity';
import { RemoteUser } from './provisioning/state/remote-user.entity';
import { UnclearWrite } from './provisioning/state/unclear-write.entity';
import { AdminKey } from './tenants/admin-keys/admin-key.entity';
import { Tenant } from './tenants/tenant.entity';

/** All tables, in the order of the data flow. */
export const ENTITIES = [
  RoomProbe,
  Tenant,
  AdminKey,
  IdempotencyKey,
  AuditEvent,
  Integration,
  ScimKey,
  EncryptionCheck,
  ScimUser,
  ScimGroup,
  GroupMember,
  GroupChange,
  MemberChange,
  DirectoryCount,
  RefusedWrite,
  RemoteUser,
  RemoteGroup,
  RemoteMember,
  ParkedMember,
  UnclearWrite,
  Drift,
  GuardEvent,
  HeldChange,
  HeldItem,
  IntegrationWork,
  LeaseRow,
];
