import { randomBytes } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { ScimKey } from '../../src/integrations/scim-keys/scim-key.entity';
import { hashToken } from '../../src/security/token';
import { AdminKey } from '../../src/tenants/admin-keys/admin-key.entity';
import { sendExactly } from '../scim/support/exact-request';
import type { Answer } from '../support/http';
import { QueryLog } from '../support/query-log';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

/** This many failures get their own answer. After that the answer is 429. */
const BUDGET = 100;

interface TestDoor {
  kind: 'scim' | 'admin';
  table: string;
  path(integration: TestIntegration): string;
  /** @returns a good key of this door, and where it is revoked */
  newKey(scimify: Scimify, integration: TestIntegration): Promise<{ token: string; revoke: string }>;
  /** As another process with the same database creates one. */
  storeKey(scimify: Scimify, integration: TestIntegration, tokenHash: string): Promise<unknown>;
}

const DOORS: TestDoor[] = [
  {
    kind: 'scim',
    table: 'scim_key',
    path: ({ id }) => `/scim/v2/${id}/Users?count=0`,
    newKey: async (scimify, { id }) => {
      const { body } = await scimify.admin.post(`/integrations/${id}/scim-keys`, { name: 'new' });
      return { token: body.token, revoke: `/scim-keys/${body.id}` };
    },
    storeKey: (scimify, { id }, tokenHash) =>
      scimify.app
        .get(TransactionRunner)
        .run((tx) => tx.manager.insert(ScimKey, { ...storedKey(tokenHash), integrationId: id })),
  },
  {
    kind: 'admin',
    table: 'admin_key',
    path: () => '/api/v1/tenants',
    newKey: async (scimify, { tenantId }) => {
      const { body } = await scimify.admin.post(`/tenants/${tenantId}/admin-keys`, {
        name: 'new',
        role: 'viewer',
      });
      return { token: body.token, revoke: `/admin-keys/${body.id}` };
    },
    storeKey: (scimify, { tenantId }, tokenHash) =>
      scimify.app
        .get(TransactionRunner)
        .run((tx) => tx.manager.insert(AdminKey, { ...storedKey(tokenHash), tenantId, role: 'viewer' })),
  },
];

/** A token that the product did not make. */
const inventedToken = (kind: string) => `scimify_${kind}_${randomBytes(32).toString('base64url')}`;

function storedKey(tokenHash: string) {
  return { id: uuid(), name: 'elsewhere', prefix: 'scimify_elsewhere', tokenHash, createdAt: Date.now() };
}

describe.each(DOORS)('guessing keys at the $kind door', (door) => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let queries: QueryLog;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ enable: false });
    queries = QueryLog.attach(scimify.app);
  });

  afterAll(() => scimify.stop());

  const ask = (token: string | null, at: TestDoor = door): Promise<Answer> =>
    sendExactly(scimify.url, {
      method: 'GET',
      target: at.path(integration),
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
    });
  const guess = () => ask(inventedToken(door.kind));
  /** @returns the statuses that occurred */
  const many = async (count: number, send: () => Promise<Answer>): Promise<Set<number>> => {
    const statuses = new Set<number>();
    for (let sent = 0; sent < count; sent += 50) {
      for (const { status } of await Promise.all(Array.from({ length: 50 }, send))) statuses.add(status);
    }
    return statuses;
  };
  const lookUps = async () =>
    (await queries.explained())
      .filter(({ sql }) => sql.includes(door.table))
      .reduce((sum, { times }) => sum + times, 0);

  it('is not what somebody does who shows no key', async () => {
    expect(await many(2 * BUDGET, () => ask(null))).toEqual(new Set([401]));
  });

  it('is answered a hundred times', async () => {
    expect(await many(BUDGET, guess)).toEqual(new Set([401]));
  });

  describe('from an address that did so a hundred times', () => {
    beforeEach(() => waitFor('guesses to be refused', guess, ({ status }) => status === 429));

    it('is refused at the thousandth time without a question to the database', async () => {
      queries.clear();
      const since = performance.now();
      expect(await many(900, guess)).toEqual(new Set([429]));
      const thousandth = await guess();
      // The product reads new keys once a second.
      const seconds = Math.ceil((performance.now() - since) / 1_000);
      expect(await lookUps()).toBeLessThanOrEqual(seconds + 1);
      expect(thousandth.status).toBe(429);
      expect(thousandth.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/);
      expect(thousandth.body).toMatchObject(
        door.kind === 'scim' ? { status: '429' } : { status: 429, code: 'rate_limited' },
      );
    });

    it('does not slow a good key', async () => {
      const { token } = await door.newKey(scimify, integration);
      for (let round = 0; round < 20; round++) {
        const [wrong, good] = await Promise.all([guess(), ask(token)]);
        expect([wrong.status, good.status]).toEqual([429, 200]);
      }
    });

    it('keeps no key out that another process has just made', async () => {
      const token = inventedToken(door.kind);
      expect((await ask(token)).status).toBe(429);
      await door.storeKey(scimify, integration, hashToken(token));
      await waitFor(
        'the key to be let in',
        () => ask(token),
        ({ status }) => status === 200,
        5_000,
      );
    });

    it('does not let in a key that was good and is revoked', async () => {
      const { token, revoke } = await door.newKey(scimify, integration);
      expect((await ask(token)).status).toBe(200);
      expect((await scimify.admin.delete(revoke)).status).toBe(204);
      expect((await ask(token)).status).toBe(429);
    });

    it('has nothing to do with the other door', async () => {
      const other = DOORS.find(({ kind }) => kind !== door.kind)!;
      expect((await ask(inventedToken(other.kind), other)).status).toBe(401);
    });
  });
});
