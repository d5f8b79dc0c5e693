import { Injectable } from '@nestjs/common';
import { type Actor, systemActor } from '../audit/actor';
import { AuditLog } from '../audit/audit-log';
import type { Transaction } from '../database/transaction-runner';
import type { Admin } from '../tenants/authentication/admin';
import { IntegrationChanges } from './integration-changes';
import { eventOf } from './integration-events';
import { logAfterCommit } from './integration-log';
import { Integration } from './integration.entity';
import { Integrations, type StateChange, findLocked } from './integrations.service';
import type { RemoteAccount } from './provider/integration-provider';
import { ACCOUNT_MISMATCH, VISIBILITY_LOST } from './suspension-reasons';

/** Why the engine stopped, and when it checks the cause again. */
export interface Suspension {
  reason: string;
  message: string;
  /** Null: only an admin can end the suspension. */
  nextProbeAt: number | null;
}

/** Why a connection does not work. */
export interface ConnectionFailure {
  reason: string;
  /** The cause and what to do. */
  message: string;
}

/** The result of a connection test. */
export interface TestedConnection {
  /** Null if every check passed. */
  failure: ConnectionFailure | null;
  /** Null if it is not known. */
  account: RemoteAccount | null;
}

/** Columns of an integration that is not suspended. */
export const NOT_SUSPENDED = {
  suspensionReason: null,
  suspensionMessage: null,
  suspendedSince: null,
  nextProbeAt: null,
} as const satisfies StateChange;

/** Columns of an integration whose connection status is not known. */
export const CONNECTION_UNKNOWN = {
  connectionStatus: 'unknown',
  connectionReason: null,
  connectionMessage: null,
  connectionCheckedAt: null,
} as const satisfies StateChange;

/** Length of the columns `connectionMessage` and `suspensionMessage`. */
const MESSAGE_LENGTH = 1000;

/**
 * The life of an integration beside its mode: what the engine and admins find out about its connection, and the
 * suspensions that follow. Only admins and operators set the mode.
 *
 * | state    | suspended for                            | the engine calls the target             | ended by                                 |
 * | -------- | ---------------------------------------- | --------------------------------------- | ---------------------------------------- |
 * | works    | nothing                                  | as it needs                             | –                                        |
 * | refused  | a refused credential or refused settings | for a probe: what failed is tried again | a probe or an admin                      |
 * | mismatch | `account_mismatch`                       | for a probe: only the account is read   | a probe or an admin                      |
 * | lost     | `visibility_lost`                        | for a probe: it only reads              | a probe or an admin who accepts the loss |
 *
 * `+ probe`: a probe may run now. For `refused` the engine plans the next one, for `mismatch` each change of the
 * integration allows one, for `lost` an admin asks for one. In mode `paused` or `disabled` the engine calls nothing in
 * any state, unless the integration is being deleted.
 *
 * | the engine finds            | works    | refused + probe | mismatch + probe | lost + probe |
 * | --------------------------- | -------- | --------------- | ---------------- | ------------ |
 * | a failure that passes       | works    | refused + probe | mismatch + probe | lost + probe |
 * | a refused credential        | refused  | refused         | refused          | –            |
 * | another account             | mismatch | mismatch        | mismatch         | lost         |
 * | the recorded account        | works    | refused + probe | works            | lost + probe |
 * | most groups out of sight    | lost     | lost            | –                | lost         |
 * | that what failed works      | works    | works           | –                | works        |
 * | no clear view of the groups | –        | –               | –                | lost         |
 *
 * In the state `lost` the engine takes a refused credential for a failure that passes: the new suspension would end
 * without a look at the groups.
 *
 * | an admin               | works | refused         | mismatch         | lost         |
 * | ---------------------- | ----- | --------------- | ---------------- | ------------ |
 * | tests with success     | works | works           | works            | lost         |
 * | tests without success  | works | refused         | mismatch         | lost         |
 * | stores a tested secret | works | works           | works            | lost + probe |
 * | stores other settings  | works | refused         | mismatch + probe | lost         |
 * | syncs                  | works | refused + probe | mismatch         | lost         |
 * | reconciles             | works | refused + probe | mismatch         | lost + probe |
 * | accepts missing groups | works | refused + probe | mismatch         | works        |
 * | changes the mode       | works | refused         | mismatch + probe | lost         |
 * | rebinds                | works | works           | works            | works        |
 * | deletes                | works | works           | works            | works        |
 *
 * Settings that identify the account are tested as a secret is, and count as one. Other settings end a suspension for
 * refused settings only.
 */
@Injectable()
export class Suspensions {
  constructor(
    private readonly integrations: Integrations,
    private readonly audit: AuditLog,
    private readonly changes: IntegrationChanges,
  ) {}

  /** The engine writes nothing to this target until a probe succeeds or an admin ends the suspension. */
  async suspend(tx: Transaction, id: string, suspension: Suspension): Promise<void> {
    const integration = await tx.manager.findOneByOrFail(Integration, { id });
    await tx.manager.update(
      Integration,
      { id },
      {
        suspensionReason: suspension.reason,
        suspensionMessage: suspension.message.slice(0, MESSAGE_LENGTH),
        suspendedSince: integration.suspendedSince ?? Date.now(),
        nextProbeAt: suspension.nextProbeAt,
        ...whenFailed(suspension),
      },
    );
    if (integration.suspensionReason === suspension.reason) return;
    await this.audit.record(tx, {
      ...eventOf(integration, systemActor('provisioning'), 'integration.suspended'),
      outcome: 'failed',
      detail: { reason: suspension.reason },
    });
    await logAfterCommit(tx, id, {
      level: 'warn',
      event: 'integration.suspended',
      text: `is suspended: ${suspension.reason}`,
      detail: { reason: suspension.reason },
    });
  }

  /** An admin has checked the cause. */
  async endSuspension(tx: Transaction, admin: Admin, id: string): Promise<void> {
    const current = await this.integrations.locked(tx, id);
    await this.integrations.raiseRevision(tx, id, NOT_SUSPENDED);
    await this.recordResumed(tx, admin.actor, current, NOT_SUSPENDED);
  }

  /**
   * Every change that may end a suspension calls this in its own transaction.
   *
   * @param before the locked row before the change
   */
  async recordResumed(
    tx: Transaction,
    actor: Actor,
    before: Integration,
    change: StateChange,
  ): Promise<void> {
    const { id, suspensionReason: reason } = before;
    if (reason === null || change.suspensionReason !== null) return;
    await this.audit.record(tx, { ...eventOf(before, actor, 'integration.resumed'), detail: { reason } });
    await logAfterCommit(tx, id, {
      level: 'warn',
      event: 'integration.resumed',
      text: `resumes; it was suspended: ${reason}`,
      detail: { reason },
    });
  }

  /** If visibility was lost, the engine checks once more whether the credential sees the teams. */
  async scheduleVisibilityProbe(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = ? WHERE id = ? AND suspensionReason = ?', [
      Date.now(),
      id,
      VISIBILITY_LOST,
    ]);
  }

  /** The engine checked and got no clear answer. No further check is planned. */
  async keepVisibilityLost(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = NULL WHERE id = ? AND suspensionReason = ?', [
      id,
      VISIBILITY_LOST,
    ]);
  }

  /** The engine probes a suspended integration at once instead of at its planned time. */
  async probeSoon(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = ? WHERE id = ? AND nextProbeAt IS NOT NULL', [
      Date.now(),
      id,
    ]);
  }

  /**
   * The recorded account answered, or the first one. This ends a suspension for another account and no other: that the
   * account can be read proves little about another failure.
   */
  async accountConfirmed(tx: Transaction, checked: Integration, account: RemoteAccount): Promise<void> {
    const { id, revision, suspensionReason } = checked;
    const found = { ...columnsOf(account), accountCheckedRevision: revision };
    if (suspensionReason !== null && suspensionReason !== ACCOUNT_MISMATCH) {
      await tx.manager.update(Integration, { id }, found);
    } else {
      await this.resume(tx, await this.integrations.locked(tx, id), found);
    }
  }

  /** Another account than the recorded one answered. Only an admin can make the recorded one answer again. */
  async accountMismatched(tx: Transaction, checked: Integration, message: string): Promise<void> {
    const { id, revision, suspensionReason } = checked;
    const failure = { reason: ACCOUNT_MISMATCH, message };
    if (suspensionReason === VISIBILITY_LOST) {
      // A new suspension in its place would end without a check that the remote groups are visible again.
      await this.connectionFailed(tx, id, failure);
      await this.keepVisibilityLost(tx, id);
      return;
    }
    await this.suspend(tx, id, { ...failure, nextProbeAt: null });
    await tx.manager.update(Integration, { id }, { accountCheckedRevision: revision });
  }

  /** The connection fails for a temporary reason. */
  async connectionFailed(tx: Transaction, id: string, failure: ConnectionFailure): Promise<void> {
    await tx.manager.update(Integration, { id }, whenFailed(failure));
  }

  /** Ends the given suspension. A newer suspension with another reason stays. */
  async recovered(tx: Transaction, { id, suspensionReason }: Integration): Promise<void> {
    const current = await findLocked(tx, id);
    if (current?.suspensionReason === suspensionReason) await this.resume(tx, current);
  }

  /** A passed test ends a suspension, and the engine retries at once what failed before. */
  async connectionTested(
    tx: Transaction,
    admin: Admin,
    current: Integration,
    { failure, account }: TestedConnection,
  ): Promise<void> {
    const change = failure === null ? whenConnected(current, account) : whenFailed(failure);
    await tx.manager.update(Integration, { id: current.id }, change);
    if (current.suspensionReason !== null && change.suspensionReason === null) {
      this.changes.announce(tx, current.id);
    }
    await this.recordResumed(tx, admin.actor, current, change);
  }

  /** The engine has seen that the connection works. */
  private async resume(tx: Transaction, current: Integration, found: StateChange = {}): Promise<void> {
    const change = { ...NOT_SUSPENDED, ...whenWorking(), ...found };
    await tx.manager.update(Integration, { id: current.id }, change);
    await this.recordResumed(tx, systemActor('provisioning'), current, change);
  }
}

/**
 * Ends a suspension, except `visibility_lost`: a working credential is no proof there, so an admin must check the
 * target.
 */
export function whenConnected(current: Integration, account: RemoteAccount | null): StateChange {
  const suspension = current.suspensionReason === VISIBILITY_LOST ? {} : NOT_SUSPENDED;
  const known = account === null || current.accountIdentity !== null ? {} : columnsOf(account);
  return { ...suspension, ...known, ...whenWorking() };
}

function columnsOf({ identity, name, url }: RemoteAccount) {
  return { accountIdentity: identity, accountName: name, accountUrl: url };
}

function whenWorking() {
  return {
    connectionStatus: 'ok' as const,
    connectionReason: null,
    connectionMessage: null,
    connectionCheckedAt: Date.now(),
  };
}

function whenFailed({ reason, message }: ConnectionFailure): StateChange {
  return {
    connectionStatus: 'failed',
    connectionReason: reason,
    connectionMessage: message.slice(0, MESSAGE_LENGTH),
    connectionCheckedAt: Date.now(),
  };
}
