import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { systemActor } from '../../audit/actor';
import { AuditLog } from '../../audit/audit-log';
import { ROWS_PER_STATEMENT } from '../../database/chunks';
import { FOR_UPDATE, inList } from '../../database/dialect';
import { type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { onBehalfOf } from '../../event-loop/current-work';
import { Slice } from '../../event-loop/slice';
import { logAfterCommit } from '../../integrations/integration-log';
import { leaversAmong } from '../state/leavers';

/** The user of a waiting item may leave the IdP, or come back, at any time. */
const LOOK_AGAIN_AFTER_MS = 60 * 60_000;
const SWEEP_EVERY_MS = 1_000;

interface WaitingItem {
  groupId: string;
  subject: string;
  heldChangeId: string;
  integrationId: string;
  leaverToldAt: number | null;
}

/**
 * Reports when the removal of a leaver has waited for a decision for more than a day, once per member of a held
 * change. The report is recorded with the held item: a restart does not repeat it, and only one of several
 * processes makes it. It is made in every mode of the integration: an admin may decide even while the engine
 * writes nothing.
 */
@Injectable()
export class HeldLeavers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(HeldLeavers.name);
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> | null = null;
  private isEnding = false;

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
  ) {}

  onApplicationBootstrap(): void {
    const work = { what: 'check held changes for leavers', lane: 'held leavers' };
    this.timer = setInterval(() => {
      this.sweeping ??= onBehalfOf(work, () => this.sweep())
        .catch((error: unknown) => this.logger.error('Could not check the held changes for leavers', error))
        .finally(() => (this.sweeping = null));
    }, SWEEP_EVERY_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isEnding = true;
    if (this.timer) clearInterval(this.timer);
    await this.sweeping;
  }

  private async sweep(): Promise<void> {
    const slice = new Slice();
    while (!this.isEnding) {
      const due = await this.reader.query<unknown[]>('SELECT 1 FROM held_item WHERE lookAt <= ? LIMIT 1', [
        Date.now(),
      ]);
      if (due.length === 0) return;
      await this.transactions.run((tx) => this.lookAtSome(tx));
      if (slice.isOver) await slice.next();
    }
  }

  private async lookAtSome(tx: Transaction): Promise<void> {
    const now = Date.now();
    // Locked: the other processes see that these items are already checked.
    const items = await tx.query<WaitingItem>(
      `SELECT groupId, subject, heldChangeId, integrationId, leaverToldAt FROM held_item
       WHERE lookAt <= ? ORDER BY lookAt LIMIT ${ROWS_PER_STATEMENT}${FOR_UPDATE}`,
      [now],
    );
    for (const [integrationId, ofIntegration] of groupedBy(items, (item) => item.integrationId)) {
      const people = [...new Set(ofIntegration.map(({ subject }) => subject))];
      const leavers = await leaversAmong(tx, integrationId, people);
      const isTold = ({ leaverToldAt }: WaitingItem) => leaverToldAt !== null;
      const isLeaver = ({ subject }: WaitingItem) => leavers.has(subject);
      const news = ofIntegration.filter((item) => isLeaver(item) && !isTold(item));
      await note(tx, news, { lookAt: now + LOOK_AGAIN_AFTER_MS, leaverToldAt: now });
      for (const [heldChangeId, ofChange] of groupedBy(news, (item) => item.heldChangeId)) {
        const told = new Set(ofChange.map(({ subject }) => subject)).size;
        await this.tellOf(tx, integrationId, heldChangeId, told);
      }
      const isBack = (item: WaitingItem) => !isLeaver(item) && isTold(item);
      await note(tx, ofIntegration.filter(isBack), {
        lookAt: now + LOOK_AGAIN_AFTER_MS,
        leaverToldAt: null,
      });
      const same = ofIntegration.filter((item) => isLeaver(item) === isTold(item));
      await note(tx, same, { lookAt: now + LOOK_AGAIN_AFTER_MS });
    }
  }

  private async tellOf(
    tx: Transaction,
    integrationId: string,
    heldChangeId: string,
    people: number,
  ): Promise<void> {
    const [change] = await tx.query<{
      scope: string;
      groupId: string | null;
      displayName: string | null;
      tenantId: string;
    }>(
      `SELECT c.scope AS scope, c.groupId AS groupId, g.displayName AS displayName, i.tenantId AS tenantId
       FROM held_change c JOIN integration i ON i.id = c.integrationId AND i.deletingSince IS NULL
       LEFT JOIN scim_group g ON g.id = c.groupId WHERE c.id = ?`,
      [heldChangeId],
    );
    if (!change) return;
    const { scope, groupId, displayName, tenantId } = change;
    await this.audit.record(tx, {
      actor: systemActor('provisioning'),
      action: 'held_change.leavers_waiting',
      target: { type: 'held_change', id: heldChangeId },
      tenantId,
      integrationId,
      detail: { scope, groupId, displayName, people },
    });
    await logAfterCommit(tx, integrationId, {
      level: 'warn',
      event: 'held_change.leavers_waiting',
      text: 'has kept leavers in their teams for more than a day, because a held change waits for a decision',
      detail: { heldChangeId, scope, people },
    });
  }
}

async function note(
  tx: Transaction,
  items: readonly WaitingItem[],
  values: { lookAt: number; leaverToldAt?: number | null },
): Promise<void> {
  const columns = Object.keys(values);
  for (const [groupId, ofGroup] of groupedBy(items, (item) => item.groupId)) {
    await tx.query(
      `UPDATE held_item SET ${columns.map((column) => `${column} = ?`).join(', ')}
       WHERE groupId = ? AND subject IN (${inList(ofGroup)})`,
      [...Object.values(values), groupId, ...ofGroup.map(({ subject }) => subject)],
    );
  }
}

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
