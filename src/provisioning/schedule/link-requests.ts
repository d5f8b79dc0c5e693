import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import { FOR_UPDATE } from '../../database/dialect';
import { type SqlReader, type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { Connections } from '../../integrations/connections/connections.service';
import type { Integration } from '../../integrations/integration.entity';
import { Integrations, assertNotBeingDeleted } from '../../integrations/integrations.service';
import type { ProviderUser } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import type { Admin } from '../../tenants/authentication/admin';
import { UserResolution } from '../apply/user-resolution';
import { addressKey } from '../plan/link-plan';
import { undoLink, writeLink } from '../state/remote-links';

/** The longest time that an admin waits for the target. */
const ASKED_FOR_MS = 20_000;

interface LinkedUser {
  emailKey: string | null;
  targetAttributesKey: string | null;
  incarnation: number;
  linked: boolean;
  remoteUserId: string | null;
}

/** Requests of admins to link an IdP user to a remote user, where addresses do not tell. */
@Injectable()
export class LinkRequests {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly integrations: Integrations,
    private readonly connections: Connections,
    private readonly transactions: TransactionRunner,
    private readonly users: UserResolution,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Pins the user to this remote user until the IdP creates the user again or the target no longer has the remote
   * user.
   *
   * @throws Problem 404 for a user of another integration, 422 if the target has no remote user with that id, 503
   * if the target does not answer
   */
  async pin(admin: Admin, integration: Integration, userId: string, remoteUserId: string): Promise<void> {
    assertNotBeingDeleted(integration);
    await linkedUser(this.reader, integration.id, userId);
    const { address } = await this.inTarget(integration, remoteUserId);
    // The target may take seconds to answer, and a deletion may begin meanwhile.
    const current = await this.integrations.get(admin, integration.id);
    await this.change(admin, current, userId, async (tx, user) => {
      await writeLink(
        tx,
        integration.id,
        { ...user, userId },
        {
          state: 'resolved',
          remoteUserId,
          linkedEmailKey: address === null ? null : addressKey(address),
          reason: null,
          message: null,
          attempts: 0,
          pinned: true,
          nextCheckAt: null,
        },
      );
      return { action: 'user.link_pinned', remoteUserId };
    });
  }

  /**
   * Drops the link, made by an admin or by a look-up, and looks up the user again.
   *
   * @throws Problem 404 for a user of another integration
   */
  undo(admin: Admin, integration: Integration, userId: string): Promise<void> {
    return this.change(admin, integration, userId, async (tx, user) => {
      if (!user.linked) return null;
      await undoLink(tx, userId);
      return { action: 'user.link_undone', remoteUserId: null };
    });
  }

  private async inTarget(integration: Integration, remoteUserId: string): Promise<ProviderUser> {
    const { provider, connection } = this.connections.open(integration);
    const target = provider.description.displayName;
    const signal = AbortSignal.timeout(ASKED_FOR_MS);
    const call = { signal, priority: 'interactive' as const, assertMaySend: () => undefined };
    let user: ProviderUser | null;
    try {
      user = await connection.getUser(remoteUserId, call);
    } catch (error) {
      if (!(error instanceof ProviderError) && !signal.aborted) throw error;
      const cause =
        error instanceof ProviderError
          ? error.explanation
          : `${target} did not answer within ${ASKED_FOR_MS / 1000} seconds.`;
      throw new Problem(
        'target_unavailable',
        `Scimify could not check whether ${target} has this person. ${cause} Nothing was stored.`,
      );
    }
    if (user !== null) return user;
    throw new Problem(
      'remote_user_unknown',
      `${target} has no user with the id ${remoteUserId}. Look up the id of the person in ${target}; the guide says where it is found. Nothing was stored.`,
    );
  }

  private async change(
    admin: Admin,
    integration: Integration,
    userId: string,
    write: (
      tx: Transaction,
      user: LinkedUser,
    ) => Promise<{ action: string; remoteUserId: string | null } | null>,
  ): Promise<void> {
    assertNotBeingDeleted(integration);
    const { id: integrationId, tenantId } = integration;
    await this.transactions.run(async (tx) => {
      const user = await linkedUser(tx, integrationId, userId);
      const change = await write(tx, user);
      if (!change) return;
      await this.users.compareGroupsOf(tx, integrationId, [userId], admin.actor.requestId);
      const former = user.remoteUserId;
      if (former !== null && former !== change.remoteUserId) {
        await this.users.compareRemoteGroupsOf(tx, integrationId, former);
      }
      await this.audit.record(tx, {
        actor: admin.actor,
        action: change.action,
        target: { type: 'user', id: userId },
        tenantId,
        integrationId,
        detail: { remoteUserId: change.remoteUserId, formerRemoteUserId: former },
      });
    });
  }
}

async function linkedUser(tx: SqlReader, integrationId: string, userId: string): Promise<LinkedUser> {
  const [user] = await tx.query<Omit<LinkedUser, 'linked' | 'remoteUserId'>>(
    `SELECT emailKey, targetAttributesKey, incarnation FROM scim_user
     WHERE id = ? AND integrationId = ? AND deletedAt IS NULL`,
    [userId, integrationId],
  );
  if (!user) throw Problem.notFound('user');
  const [link] = await tx.query<{ remoteUserId: string | null }>(
    `SELECT remoteUserId FROM remote_user WHERE userId = ?${FOR_UPDATE}`,
    [userId],
  );
  return { ...user, linked: link !== undefined, remoteUserId: link?.remoteUserId ?? null };
}
