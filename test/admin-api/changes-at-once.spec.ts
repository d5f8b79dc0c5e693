import { FOR_UPDATE } from '../../src/database/dialect';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { Integrations } from '../../src/integrations/integrations.service';
import { ScimKeys } from '../../src/integrations/scim-keys/scim-keys.service';
import { AdminKeys } from '../../src/tenants/admin-keys/admin-keys.service';
import { Tenants } from '../../src/tenants/tenants.service';
import type { Answer } from '../support/http';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('asked for at the same time', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterEach(() => jest.restoreAllMocks());
  afterAll(() => scimify.stop());

  /**
   * Answers to requests that have all read a row before the first of them can write it.
   *
   * @param look each request calls it once at its beginning
   */
  const asked = async (
    [table, id]: [string, string],
    look: jest.SpyInstance,
    ...requests: (() => Promise<Answer>)[]
  ): Promise<Answer[]> => {
    const answers: Promise<Answer>[] = [];
    await scimify.app.get(TransactionRunner).run(async (tx) => {
      await tx.query(`SELECT id FROM ${table} WHERE id = ?${FOR_UPDATE}`, [id]);
      for (const request of requests) {
        answers.push(request());
        const looks = await waitFor(
          'it to look',
          () => look.mock.results,
          ({ length }) => length === answers.length,
        );
        await looks.at(-1)!.value;
      }
    });
    return Promise.all(answers);
  };

  const statusesOf = (answers: Answer[]) => answers.map(({ status }) => status).sort();

  const events = async (targetId: string, action: string): Promise<any[]> => {
    const query = `targetId=${targetId}&action=${action}`;
    return (await scimify.admin.get(`/audit-events?${query}`)).body.items.reverse();
  };

  it('a rebind and a change of the settings do not undo each other: one is refused', async () => {
    const { id } = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    const path = `/integrations/${id}`;
    const [change, rebind] = await asked(
      ['integration', id],
      jest.spyOn(scimify.app.get(Integrations), 'get'),
      () => scimify.admin.patch(path, { settings: { groupDescription: 'Mine' } }),
      () => scimify.admin.post(`${path}/rebind`, { secret: scimify.pagerDuty.addApiKey() }),
    );
    expect(statusesOf([change!, rebind!])).toEqual([200, 409]);
    const refused = [change!, rebind!].find(({ status }) => status === 409);
    expect(refused!.body.code).toBe('changed_meanwhile');
    const { settings } = (await scimify.admin.get(path)).body;
    expect(settings.groupDescription).toBe(change!.status === 200 ? 'Mine' : undefined);
    expect(await events(id, 'integration.rebound')).toHaveLength(rebind!.status === 200 ? 1 : 0);
  });

  it('two revocations of a SCIM key are one', async () => {
    const { id } = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    const key = (await scimify.admin.post(`/integrations/${id}/scim-keys`, { name: 'Okta' })).body.id;
    const revoke = () => scimify.admin.delete(`/scim-keys/${key}`);
    const look = jest.spyOn(scimify.app.get<{ find: () => unknown }>(ScimKeys), 'find');
    expect(statusesOf(await asked(['scim_key', key], look, revoke, revoke))).toEqual([204, 204]);
    expect(await events(key, 'scim_key.revoked')).toHaveLength(1);
  });

  it('two revocations of an admin key are one, also where no tenant owns it', async () => {
    const key = (await scimify.admin.post('/admin-keys', { name: 'Second platform key' })).body.id;
    const revoke = () => scimify.admin.delete(`/admin-keys/${key}`);
    const look = jest.spyOn(scimify.app.get(AdminKeys), 'get');
    expect(statusesOf(await asked(['admin_key', key], look, revoke, revoke))).toEqual([204, 204]);
    expect(await events(key, 'admin_key.revoked')).toHaveLength(1);
  });

  it('two renamings of a tenant follow one upon the other, and each answers its own', async () => {
    const id = await scimify.createTenant('A');
    const rename = (name: string) => () => scimify.admin.patch(`/tenants/${id}`, { name });
    const look = jest.spyOn(scimify.app.get(Tenants), 'get');
    const answers = await asked(['tenant', id], look, rename('B'), rename('C'));
    expect(answers.map(({ body }) => body.name)).toEqual(['B', 'C']);
    const [first, second] = (await events(id, 'tenant.renamed')).map(({ detail }) => detail);
    expect(first.from).toBe('A');
    expect(second.from).toBe(first.to);
    expect((await scimify.admin.get(`/tenants/${id}`)).body.name).toBe(second.to);
  });

  it('a renaming and the deletion of a tenant tell what came first', async () => {
    const id = await scimify.createTenant('A');
    const [deletion, renaming] = await asked(
      ['tenant', id],
      jest.spyOn(scimify.app.get(Tenants), 'get'),
      () => scimify.admin.delete(`/tenants/${id}`),
      () => scimify.admin.patch(`/tenants/${id}`, { name: 'B' }),
    );
    expect(deletion!.status).toBe(204);
    const renamed = await events(id, 'tenant.renamed');
    expect(renamed).toHaveLength(renaming!.status === 404 ? 0 : 1);
    const [deleted] = await events(id, 'tenant.deleted');
    expect(deleted.detail).toEqual({ name: renamed.length === 0 ? 'A' : 'B' });
  });
});
