import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { adminWithRole } from '../support/admin-keys';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('the audit', () => {
  let scimify: Scimify;

  beforeEach(async () => {
    scimify = await Scimify.start();
  });

  afterEach(() => scimify.stop());

  const events = async (path: string, admin = scimify.admin): Promise<any[]> => {
    const { status, body } = await admin.get(path);
    expect(status).toBe(200);
    return body.items;
  };

  const connected = async (): Promise<TestIntegration> => {
    scimify.pagerDuty.addUser({ email: 'ada@example.com' });
    return scimify.createIntegration({ authMethod: 'api_key' });
  };

  it('tells of a push through all three doors: who, what, to what, by which request', async () => {
    const integration = await connected();
    const user = await integration.scim.createUser('ada@example.com');
    const group = await integration.scim.createGroup('On-call', [user]);
    await scimify.settled(integration);
    const of = (query: string) => events(`/tenants/${integration.tenantId}/audit-events?${query}`);

    const [enabled] = await of('action=integration.enabled');
    expect(enabled).toMatchObject({
      actor: { kind: 'admin_key', name: 'SCIMIFY_ADMIN_KEY', keyPrefix: null },
      target: { type: 'integration', id: integration.id },
      integrationId: integration.id,
      tenantId: integration.tenantId,
      outcome: 'succeeded',
      requestId: expect.any(String),
    });
    const byOkta = await of('actor=Okta');
    expect(byOkta.map(({ action }) => action).sort()).toEqual(['group.created', 'user.created']);
    expect(byOkta[0].actor.keyPrefix).toBe(integration.scimKey.slice(0, byOkta[0].actor.keyPrefix.length));
    const provisioned = await of(`actor=provisioning&targetType=group&targetId=${group}`);
    expect(provisioned.map(({ action }) => action).sort()).toEqual(['team.created', 'team_member.added']);
    expect(await of('action=group')).toMatchObject([{ action: 'group.created', target: { id: group } }]);
  });

  it('says which attributes of a user changed that decide who they are, and between which addresses', async () => {
    const { scim, tenantId } = await connected();
    const user = await scim.createUser('ada@example.com');
    const { body } = await scim.get(`/Users/${user}`);
    const resource = { ...body, password: 'planted-password' };
    const address = [{ value: 'ada@lovelace.example', primary: true }];
    for (const change of [
      { title: 'Countess' },
      { emails: address },
      { emails: address, userName: 'lovelace', externalId: '00u1' },
    ]) {
      expect((await scim.put(`/Users/${user}`, { ...resource, ...change })).status).toBe(200);
    }
    await scim.setActive(user, false);
    const updates = await events(`/tenants/${tenantId}/audit-events?action=user.updated`);
    expect(updates.reverse().map(({ detail }) => detail)).toEqual([
      { userName: 'ada@example.com', changed: [] },
      {
        userName: 'ada@example.com',
        changed: ['email'],
        email: { from: 'ada@example.com', to: 'ada@lovelace.example' },
      },
      { userName: 'lovelace', changed: ['userName', 'externalId'] },
      { userName: 'lovelace', changed: ['active'], active: false },
    ]);
  });

  it('names the request by the id that its answer carried', async () => {
    const { headers, body } = await scimify.admin.post('/tenants', { name: 'Acme' });
    const [event] = await events(`/tenants/${body.id}/audit-events`);
    expect(event).toMatchObject({ action: 'tenant.created', requestId: headers.get('x-request-id') });
  });

  it('is filtered by time, outcome and integration', async () => {
    const tenantId = await scimify.createTenant();
    const first = await scimify.createIntegration({ tenantId });
    const second = await scimify.createIntegration({ tenantId });
    const base = `/tenants/${tenantId}/audit-events`;
    const ofFirst = await events(`${base}?integrationId=${first.id}`);
    expect(new Set(ofFirst.map(({ integrationId }) => integrationId))).toEqual(new Set([first.id]));
    const all = await events(base);
    expect(all.some(({ integrationId }) => integrationId === second.id)).toBe(true);
    const middle = all[Math.floor(all.length / 2)].at;
    const since = await events(`${base}?since=${middle}`);
    const until = await events(`${base}?until=${middle}`);
    expect(since.every(({ at }) => at >= middle)).toBe(true);
    expect(until.every(({ at }) => at < middle)).toBe(true);
    expect(since.length + until.length).toBe(all.length);
    expect(await events(`${base}?outcome=failed`)).toEqual([]);
    expect((await scimify.admin.get(`${base}?since=yesterday`)).status).toBe(400);
  });

  it('comes the newest first, in pages that neither repeat nor leave out', async () => {
    const tenantId = await scimify.createTenant();
    for (const name of ['B', 'C', 'D', 'E']) await scimify.admin.patch(`/tenants/${tenantId}`, { name });
    const seen: any[] = [];
    for (let cursor = ''; ;) {
      const { body } = await scimify.admin.get(`/tenants/${tenantId}/audit-events?limit=2${cursor}`);
      seen.push(...body.items);
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(seen.map(({ detail }) => detail.to ?? detail.name)).toEqual(['E', 'D', 'C', 'B', 'Acme']);
  });

  it('is exported as one JSON object a line, the oldest first, however many there are', async () => {
    const tenantId = await scimify.createTenant();
    const rows = Array.from({ length: 2_500 }, (_, index) => [
      uuid(),
      Date.now(),
      tenantId,
      'system',
      'test',
      'thing.done',
      'thing',
      String(index),
      'succeeded',
    ]);
    await scimify.app.get(TransactionRunner).run(async (tx) => {
      for (const row of rows) {
        await tx.query(
          `INSERT INTO audit_event (id, at, tenantId, actorKind, actorName, action, targetType, targetId, outcome)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          row,
        );
      }
    });
    const { status, headers, body } = await scimify.admin.get<string>(
      `/tenants/${tenantId}/audit-events/export?action=thing.done`,
    );
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/x-ndjson/);
    const lines = body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ target }) => Number(target.id))).toEqual(rows.map((_, index) => index));
  });

  it("shows nobody another tenant's events", async () => {
    const integration = await connected();
    const stranger = await adminWithRole(scimify, await scimify.createTenant('Other'), 'owner');
    expect((await stranger.get(`/tenants/${integration.tenantId}/audit-events`)).status).toBe(404);
    expect((await stranger.get(`/tenants/${integration.tenantId}/audit-events/export`)).status).toBe(404);
    expect((await stranger.get('/audit-events')).status).toBe(403);
    expect((await stranger.get('/audit-events/export')).status).toBe(403);
    const all = await events('/audit-events?limit=200');
    expect(all.some(({ tenantId }) => tenantId === integration.tenantId)).toBe(true);
  });

  it('is not to be changed by any route', async () => {
    const tenantId = await scimify.createTenant();
    const [event] = await events(`/tenants/${tenantId}/audit-events`);
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST']) {
      for (const path of [
        `/tenants/${tenantId}/audit-events`,
        `/audit-events/${event.id}`,
        '/audit-events',
      ]) {
        expect([404, 405]).toContain((await scimify.admin.send(method, path)).status);
      }
    }
    expect(await events(`/tenants/${tenantId}/audit-events`)).toEqual([event]);
  });
});

describe('the retention of the audit', () => {
  it('removes what is older than it says, and nothing else', async () => {
    const scimify = await Scimify.start();
    try {
      const tenantId = await scimify.createTenant();
      const old = Date.now() - 31 * 24 * 60 * 60_000;
      await scimify.app.get(TransactionRunner).run((tx) =>
        tx.query(
          `INSERT INTO audit_event (id, at, tenantId, actorKind, actorName, action, targetType, targetId, outcome)
           VALUES (?, ?, ?, 'system', 'test', 'thing.done', 'thing', '1', 'succeeded')`,
          [uuid({ msecs: old }), old, tenantId],
        ),
      );
      const count = async () => {
        const reader = scimify.app.get<DataSource>(getDataSourceToken());
        const [row] = await reader.query('SELECT COUNT(*) AS events FROM audit_event');
        return Number(row.events);
      };
      const before = await count();
      await scimify.restart({ SCIMIFY_AUDIT_RETENTION_DAYS: '30' });
      await waitFor('the old event to go', count, (events) => events === before - 1);
      expect((await scimify.admin.get(`/tenants/${tenantId}/audit-events`)).body.items).toMatchObject([
        { action: 'tenant.created' },
      ]);
    } finally {
      await scimify.stop();
    }
  });
});
