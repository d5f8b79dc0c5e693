import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import { SecretBox, SecretUnreadableError } from '../../security/secret-box';
import { EncryptionCheck } from './encryption-check.entity';
import { SEALED_COLUMNS, checkBinding } from './sealed-columns';

const CHECK_ID = '00000000-0000-7000-8000-000000000000';

/** Stops the boot if the configured keys do not match the keys in the database. */
@Injectable()
export class StoredSecrets implements OnModuleInit {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly secrets: SecretBox,
    private readonly transactions: TransactionRunner,
  ) {}

  /** @throws SecretUnreadableError at boot, not only in the first run */
  async onModuleInit(): Promise<void> {
    // Check before writing: a wrong key must not write a check row that later rejects the right key.
    await this.assertKeysKnown();
    await this.claimForOurKey();
    // Another process may have written the row first, with another key.
    await this.assertKeysKnown();
  }

  private async assertKeysKnown(): Promise<void> {
    for (const { table, keyId } of SEALED_COLUMNS) {
      const rows = await this.reader.query<{ keyId: string }[]>(
        `SELECT DISTINCT ${keyId} AS keyId FROM ${table}`,
      );
      if (rows.every((row) => this.secrets.knows(row.keyId))) continue;
      throw new SecretUnreadableError(
        'The database holds secrets of another encryption key. That key was never configured, or it was removed before `npm run secrets:rotate`.',
      );
    }
  }

  private async claimForOurKey(): Promise<void> {
    const { ciphertext, keyId } = this.secrets.seal('scimify', checkBinding(CHECK_ID));
    await this.transactions.run((tx) =>
      upsert(tx, EncryptionCheck, [{ id: CHECK_ID, ciphertext, keyId }], { update: [] }),
    );
  }
}
