import type { DataSource } from 'typeorm';
import { systemActor } from '../../audit/actor';
import type { AuditLog } from '../../audit/audit-log';
import { FOR_UPDATE, inList } from '../../database/dialect';
import type { Transaction, TransactionRunner } from '../../database/transaction-runner';
import { type SecretBox, SecretUnreadableError } from '../../security/secret-box';
import { SEALED_COLUMNS, type SealedColumn } from './sealed-columns';

/** Rows that one transaction locks and rewrites. */
const ROWS_PER_BATCH = 100;

export interface RotationResult {
  resealed: number;
  /** Rows that the first key already encrypts and opens. */
  current: number;
  /** One sentence with the cause for each row that no key opens. */
  unreadable: readonly string[];
  /** Rows that another process encrypted with an older key during the rotation. */
  left: number;
}

interface Counted extends RotationResult {
  /** Ids of the previous keys of the rewritten rows. */
  formerKeyIds: readonly string[];
}

interface SealedRow {
  id: string;
  ciphertext: string;
  keyId: string;
}

/**
 * Encrypts all secrets with the first key. A row that already uses the first key is only opened, so an interrupted
 * rotation can simply run again. Each row is locked while it is rewritten, so a secret that an admin stores
 * meanwhile is not lost.
 */
export class SecretRotation {
  constructor(
    private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly secrets: SecretBox,
    private readonly audit: AuditLog,
  ) {}

  /** A complete rotation writes one audit event, also if rows failed. After an interruption the next one does. */
  async run(): Promise<RotationResult> {
    const counted = await this.resealAll();
    await this.record(counted);
    return counted;
  }

  private async resealAll(): Promise<Counted> {
    const unreadable: string[] = [];
    const formerKeyIds = new Set<string>();
    let resealed = 0;
    let current = 0;
    let outdated = 0;
    for (const column of SEALED_COLUMNS) {
      for await (const ids of this.batches(column)) {
        const batch = await this.transactions.run((tx) => this.reseal(tx, column, ids));
        resealed += batch.resealed;
        current += batch.current;
        unreadable.push(...batch.unreadable);
        for (const keyId of batch.formerKeyIds) formerKeyIds.add(keyId);
      }
      outdated += await this.outdated(column);
    }
    const left = Math.max(0, outdated - unreadable.length);
    return { resealed, current, unreadable, left, formerKeyIds: [...formerKeyIds] };
  }

  private async record({ resealed, current, unreadable, left, formerKeyIds }: Counted): Promise<void> {
    const toKeyId = this.secrets.sealingKeyId;
    await this.transactions.run((tx) =>
      this.audit.record(tx, {
        actor: systemActor('secrets:rotate'),
        action: 'secrets.rotated',
        target: { type: 'encryption_key', id: toKeyId },
        outcome: unreadable.length + left > 0 ? 'failed' : 'succeeded',
        detail: { resealed, current, unreadable: unreadable.length, left, fromKeyIds: formerKeyIds, toKeyId },
      }),
    );
  }

  private async *batches({ table }: SealedColumn): AsyncGenerator<string[]> {
    for (let after = ''; ;) {
      const rows = await this.reader.query<{ id: string }[]>(
        `SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${ROWS_PER_BATCH}`,
        [after],
      );
      if (rows.length === 0) return;
      yield rows.map(({ id }) => id);
      after = rows.at(-1)!.id;
    }
  }

  private async reseal(tx: Transaction, column: SealedColumn, ids: readonly string[]) {
    const { table, ciphertext, keyId } = column;
    const rows = await tx.query<SealedRow>(
      `SELECT id, ${ciphertext} AS ciphertext, ${keyId} AS keyId FROM ${table}
       WHERE id IN (${inList(ids)}) ORDER BY id${FOR_UPDATE}`,
      ids,
    );
    const result = { resealed: 0, current: 0, unreadable: [] as string[], formerKeyIds: [] as string[] };
    for (const row of rows) {
      const opened = this.open(row, column.binding(row.id));
      if (opened instanceof SecretUnreadableError) {
        result.unreadable.push(`${table} ${row.id}: ${opened.message}`);
      } else if (row.keyId === this.secrets.sealingKeyId) {
        result.current += 1;
      } else {
        const sealed = this.secrets.seal(opened, column.binding(row.id));
        await tx.query(`UPDATE ${table} SET ${ciphertext} = ?, ${keyId} = ? WHERE id = ?`, [
          sealed.ciphertext,
          sealed.keyId,
          row.id,
        ]);
        result.resealed += 1;
        result.formerKeyIds.push(row.keyId);
      }
    }
    return result;
  }

  private open(row: SealedRow, boundTo: string): string | SecretUnreadableError {
    try {
      return this.secrets.open(row, boundTo);
    } catch (error) {
      if (error instanceof SecretUnreadableError) return error;
      throw error;
    }
  }

  private async outdated({ table, keyId }: SealedColumn): Promise<number> {
    const [row] = await this.reader.query<{ count: number }[]>(
      `SELECT COUNT(*) AS count FROM ${table} WHERE ${keyId} <> ?`,
      [this.secrets.sealingKeyId],
    );
    return Number(row?.count ?? 0);
  }
}
