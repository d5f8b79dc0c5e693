import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { makeToken } from '../../src/security/token';
import { AdminKey, type AdminRole } from '../../src/tenants/admin-keys/admin-key.entity';
import { HttpClient } from './http';
import type { Scimify } from './scimify';

/** A client of the admin API whose key has this role in this tenant. */
export async function adminWithRole(
  scimify: Scimify,
  tenantId: string,
  role: AdminRole,
): Promise<HttpClient> {
  const { token, prefix, hash } = makeToken('admin');
  const key = { id: uuid(), tenantId, name: role, role, prefix, tokenHash: hash, createdAt: Date.now() };
  await scimify.app.get(TransactionRunner).run((tx) => tx.manager.insert(AdminKey, key));
  return new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${token}` });
}
