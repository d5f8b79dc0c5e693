import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { systemActor } from '../../audit/actor';
import { AuditLog } from '../../audit/audit-log';
import { SETTINGS, type Settings } from '../../config/settings';
import { TransactionRunner } from '../../database/transaction-runner';
import { hashToken, makeToken, tokensEqual } from '../../security/token';
import type { Admin } from '../authentication/admin';
import { AdminKey } from './admin-key.entity';

const LAST_USED_RESOLUTION_MS = 60_000;

@Injectable()
export class AdminKeys implements OnApplicationBootstrap {
  constructor(
    @InjectRepository(AdminKey) private readonly keys: Repository<AdminKey>,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
  ) {}

  /** Without a key from the operator, somebody still has to be able to make the first tenant. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.settings.adminKey !== null) return;
    if (await this.keys.existsBy({ role: 'platform', revokedAt: IsNull() })) return;
    const { token, prefix, hash } = makeToken('admin');
    const path = join(this.settings.dataDirectory, 'admin-key');
    mkdirSync(this.settings.dataDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: existsSync(path) ? 'w' : 'wx' });
    await this.transactions.run(async (tx) => {
      const id = uuid();
      await tx.manager.insert(AdminKey, {
        id,
        tenantId: null,
        name: 'first platform key',
        role: 'platform',
        prefix,
        tokenHash: hash,
        createdAt: Date.now(),
      });
      const actor = systemActor('first boot');
      await this.audit.record(tx, { actor, action: 'admin_key.created', target: { type: 'admin_key', id } });
    });
    if (process.stdout.isTTY) {
      process.stdout.write(`\nPlatform admin key (shown once, also in ${path}):\n\n  ${token}\n\n`);
    }
  }

  /** @returns who may act by this token, or null for an unknown, expired or revoked one */
  async verify(token: string): Promise<Admin | null> {
    if (this.settings.adminKey !== null && tokensEqual(token, this.settings.adminKey)) {
      return {
        role: 'platform',
        tenantId: null,
        actor: { kind: 'admin_key', name: 'SCIMIFY_ADMIN_KEY', keyPrefix: null, requestId: null },
      };
    }
    const key = await this.keys.findOneBy({ tokenHash: hashToken(token) });
    const now = Date.now();
    if (!key || key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now)) return null;
    if ((key.lastUsedAt ?? 0) < now - LAST_USED_RESOLUTION_MS) {
      await this.transactions.run((tx) => tx.manager.update(AdminKey, { id: key.id }, { lastUsedAt: now }));
    }
    return {
      role: key.role,
      tenantId: key.tenantId,
      actor: { kind: 'admin_key', name: key.name, keyPrefix: key.prefix, requestId: null },
    };
  }
}
