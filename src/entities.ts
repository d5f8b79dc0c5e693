import { AuditEvent } from './audit/audit-event.entity';
import { GroupChange, MemberChange } from './directory/change.entity';
import { RefusedWrite } from './directory/refused-write.entity';
import { GroupMember } from './directory/group-member.entity';
import { ScimGroup } from './directory/group.entity';
import { ScimUser } from './directory/user.entity';
import { Integration } from './integrations/integration.entity';
import { ScimKey } from './integrations/scim-keys/scim-key.entity';
import { GuardEvent, HeldChange, HeldItem } from './provisioning/guard/guard.entities';
import { Drift } from './provisioning/reconcile/drift.entity';
import { IntegrationWork } from './provisioning/schedule/integration-work.entity';
import { LeaseRow } from './provisioning/schedule/lease.entity';
import { ParkedMember } from './provisioning/state/parked-member.entity';
import { RemoteGroup } from './provisioning/state/remote-group.entity';
import { RemoteMember } from './provisioning/state/remote-member.entity';
import { RemoteUser } from './provisioning/state/remote-user.entity';
import { AdminKey } from './tenants/admin-keys/admin-key.entity';
import { Tenant } from './tenants/tenant.entity';

/** Every table of the product, in the order data flows. */
export const ENTITIES = [
  Tenant,
  AdminKey,
  AuditEvent,
  Integration,
  ScimKey,
  ScimUser,
  ScimGroup,
  GroupMember,
  GroupChange,
  MemberChange,
  RefusedWrite,
  RemoteUser,
  RemoteGroup,
  RemoteMember,
  ParkedMember,
  Drift,
  GuardEvent,
  HeldChange,
  HeldItem,
  IntegrationWork,
  LeaseRow,
];
