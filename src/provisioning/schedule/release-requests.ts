import { Injectable } from '@nestjs/common';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import { FOR_UPDATE } from '../../database/dialect';
import { TransactionRunner } from '../../database/transaction-runner';
import type { ReleaseMode } from '../../directory/change.entity';
import { type ChangeContext, withoutAdmission } from '../../directory/change-context';
import { ChangeMarks } from '../../directory/change-marks';
import { Groups } from '../../directory/groups';
import { RefusedWrites } from '../../directory/refused-writes';
import type { Integration } from '../../integrations/integration.entity';
import { assertNotBeingDeleted } from '../../integrations/integrations.service';
import type { Admin } from '../../tenants/authentication/admin';
import { makeGroupsDue, noteAskedFor } from '../state/waiting-groups';
import { WorkLedger } from './work-ledger';

/**
 * An IdP does not report that it has unlinked a group and kept it in the target, so an admin requests the release.
 */
@Injectable()
export class ReleaseRequests {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly groups: Groups,
    private readonly refusedWrites: RefusedWrites,
    private readonly marks: ChangeMarks,
    private readonly ledger: WorkLedger,
    private readonly audit: AuditLog,
  ) {}

  /**
   * The group is deleted for the IdP at once, and its name is free. Its remote group is released in the given
   * mode, whatever the policy is. This also works for a group that is already deleted and whose remote group could
   * not be released so far.
   *
   * @throws Problem 404 for an unknown group, or one that is deleted without a remote group
   */
  async release(admin: Admin, integration: Integration, groupId: string, mode: ReleaseMode): Promise<void> {
    assertNotBeingDeleted(integration);
    const { id: integrationId, tenantId } = integration;
    const context: ChangeContext = {
      integrationId,
      tenantId,
      actor: admin.actor,
      admit: withoutAdmission,
    };
    await this.transactions.run(
      async (tx) => {
        const [group] = await tx.query<{ deletedAt: number | null }>(
          `SELECT deletedAt FROM scim_group WHERE id = ? AND integrationId = ?${FOR_UPDATE}`,
          [groupId, integrationId],
        );
        if (!group) throw Problem.notFound('group');
        if (group.deletedAt === null) {
          await this.groups.deleteWithin(tx, context, groupId);
        } else {
          const held = await tx.query('SELECT id FROM remote_group WHERE integrationId = ? AND groupId = ?', [
            integrationId,
            groupId,
          ]);
          if (held.length === 0) throw Problem.notFound('group');
          await this.marks.markWhole(tx, integrationId, [groupId], admin.actor.requestId);
        }
        await this.marks.decideRelease(tx, groupId, mode);
        await makeGroupsDue(tx, 'integrationId = ? AND groupId = ?', [integrationId, groupId]);
        await noteAskedFor(tx, integrationId, groupId);
        await this.ledger.scheduleNow(tx, integrationId);
        await this.audit.record(tx, {
          actor: admin.actor,
          action: 'group.release_requested',
          target: { type: 'group', id: groupId },
          tenantId,
          integrationId,
          detail: { mode },
        });
      },
      { lane: integrationId },
    );
    const written = { resourceType: 'Group', resourceKey: groupId, resourceId: groupId } as const;
    await this.refusedWrites.makeUpFor(context, written, { kind: 'all' });
  }
}
