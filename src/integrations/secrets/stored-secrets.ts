import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { upsertSql } from '../../database/dialect';
import { TransactionRunner } from '../../database/transaction-runner';
import { SecretBox, SecretUnreadableError } from '../../security/secret-box';
import { SEALED_COLUMNS, checkBinding } from './sealed-columns';

const CHECK_ID = '00000000-0000-7000-8000-000000000000';

/** Tells at boot that the configured keys are not those that the database was written with. */
@Injectable()
export class StoredSecrets implements OnModuleInit {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly secrets: SecretBox,
    private readonly transactions: TransactionRunner,
  ) {}

  /** @throws SecretUnreadableError rather than at the first provisioning run */
  async onModuleInit(): Promise<void> {
    // A wrong key must leave nothing behind that would make the right one look wrong.
    await this.assertKeysKnown();
    await this.claimForOurKey();
    // Another process may have been faster, with another key.
    await this.assertKeysKnown();
  }

  private async assertKeysKnown(): Promise<void> {
    for (const { table, keyId } of SEALED_COLUMNS) {
      const rows = await this.reader.query<{ keyId: string }[]>(
        `SELECT DISTINCT ${keyId} AS keyId FROM ${table}`,
      );
      if (rows.every((row) => this.secrets.knows(row.keyId))) continue;
      throw new SecretUnreadableError(
        'The database holds secrets of another encryption key: one that was never given, or that was taken away before `npm run secrets:rotate`.',
      );
    }
  }

  private async claimForOurKey(): Promise<void> {
    const { ciphertext, keyId } = this.secrets.seal('scimify', checkBinding(CHECK_ID));
    const insert = upsertSql({
      table: 'encryption_check',
      columns: ['id', 'ciphertext', 'keyId'],
      key: ['id'],
      update: [],
      rows: 1,
    });
    await this.transactions.run((tx) => tx.query(insert, [CHECK_ID, ciphertext, keyId]));
  }
}
