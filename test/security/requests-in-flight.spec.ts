import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { GROUP_SCHEMA, PATCH_SCHEMA, USER_SCHEMA } from '../support/scim-client';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const BULK_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

/** A request whose headers are accepted, and whose body is still on its way. */
class RequestInFlight {
  private constructor(
    private readonly outgoing: ClientRequest,
    private readonly rest: string,
    private readonly answer: Promise<{ status: number; body: any }>,
  ) {}

  static async begin(
    scimify: Scimify,
    { id, scimKey }: TestIntegration,
    method: string,
    path: string,
    body: object,
  ): Promise<RequestInFlight> {
    const text = JSON.stringify(body);
    const { hostname, port } = new URL(scimify.url);
    const outgoing = request({
      ...{ hostname, port, method, path: `/scim/v2/${id}${path}` },
      headers: {
        Authorization: `Bearer ${scimKey}`,
        'Content-Type': 'application/scim+json',
        'Content-Length': Buffer.byteLength(text),
        // The server answers once it has accepted the headers.
        Expect: '100-continue',
      },
    });
    const answer = new Promise<{ status: number; body: any }>((resolve, reject) => {
      outgoing.on('error', reject);
      outgoing.on('response', (incoming: IncomingMessage) => {
        let received = '';
        incoming.on('data', (data: Buffer) => (received += data.toString()));
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode!, body: received === '' ? null : JSON.parse(received) }),
        );
      });
    });
    const continued = new Promise((resolve) => outgoing.once('continue', resolve));
    outgoing.flushHeaders();
    await continued;
    const half = Math.floor(text.length / 2);
    outgoing.write(text.slice(0, half));
    return new RequestInFlight(outgoing, text.slice(half), answer);
  }

  end(): Promise<{ status: number; body: any }> {
    this.outgoing.end(this.rest);
    return this.answer;
  }
}

describe('a request whose body arrives after', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let user: string;
  let group: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  beforeEach(async () => {
    // Paused, so that only requests change the stored data.
    integration = await scimify.createIntegration({ enable: false });
    user = await integration.scim.createUser('ada@example.com');
    group = await integration.scim.createGroup('Platform');
  });

  const begin = (method: string, path: string, body: object) =>
    RequestInFlight.begin(scimify, integration, method, path, body);

  /** One write of each kind. */
  const beginWrites = () =>
    Promise.all([
      begin('POST', '/Users', { schemas: [USER_SCHEMA], userName: 'late@example.com' }),
      begin('PUT', `/Users/${user}`, { schemas: [USER_SCHEMA], userName: 'late-too@example.com' }),
      begin('PATCH', `/Users/${user}`, {
        schemas: [PATCH_SCHEMA],
        Operations: [{ op: 'replace', path: 'title', value: 'late' }],
      }),
      begin('POST', '/Groups', { schemas: [GROUP_SCHEMA], displayName: 'Late' }),
      begin('PATCH', `/Groups/${group}`, {
        schemas: [PATCH_SCHEMA],
        Operations: [{ op: 'add', path: 'members', value: [{ value: user }] }],
      }),
      // An invalid request stores nothing either.
      begin('POST', '/Users', { schemas: [USER_SCHEMA], userName: 'late@example.com', active: 'perhaps' }),
      begin('PATCH', `/Groups/${group}`, {
        schemas: [PATCH_SCHEMA],
        Operations: [{ op: 'add', path: 'members', value: [{ value: integration.id }] }],
      }),
    ]);
  const beginBulk = () =>
    begin('POST', '/Bulk', {
      schemas: [BULK_SCHEMA],
      Operations: [
        {
          method: 'POST',
          path: '/Users',
          bulkId: 'a',
          data: { schemas: [USER_SCHEMA], userName: 'late@x.io' },
        },
        {
          method: 'POST',
          path: '/Groups',
          bulkId: 'b',
          data: { schemas: [GROUP_SCHEMA], displayName: 'Late', members: [{ value: user }] },
        },
        { method: 'DELETE', path: `/Users/${user}` },
      ],
    });

  /** Everything that is stored of the integration, except who used a key and when. */
  const stored = async (): Promise<Record<string, unknown[]>> => {
    const reader = scimify.app.get<DataSource>(getDataSourceToken());
    const seen: Record<string, unknown[]> = {};
    for (const { tableName, columns } of reader.entityMetadatas) {
      if (!columns.some(({ databaseName }) => databaseName === 'integrationId')) continue;
      if (['audit_event', 'scim_key', 'lease', 'integration_work', 'remote_group'].includes(tableName))
        continue;
      seen[tableName] = await reader.query(`SELECT * FROM ${tableName} WHERE integrationId = ?`, [
        integration.id,
      ]);
    }
    return seen;
  };

  const revokeKeys = async () => {
    const { body } = await scimify.admin.get(`/integrations/${integration.id}/scim-keys`);
    for (const { id } of body.items) {
      expect((await scimify.admin.delete(`/scim-keys/${id}`)).status).toBe(204);
    }
  };
  const disable = async () => {
    expect((await scimify.admin.post(`/integrations/${integration.id}/disable`)).status).toBe(200);
  };
  const remove = async () => {
    const { status } = await scimify.admin.delete(`/integrations/${integration.id}?teams=leave`);
    expect(status).toBe(202);
  };
  const removeWholly = async () => {
    await remove();
    await waitFor(
      'the integration to be gone',
      () => scimify.admin.get(`/integrations/${integration.id}`),
      ({ status }) => status === 404,
    );
  };
  const removeTenant = async () => {
    await removeWholly();
    expect((await scimify.admin.delete(`/tenants/${integration.tenantId}`)).status).toBe(204);
  };

  it.each([
    ['its key is revoked', revokeKeys, 401],
    ['its integration is disabled', disable, 403],
  ])('%s is refused, and nothing of it is written', async (_what, end, status) => {
    const before = await stored();
    const [writes, bulk] = [await beginWrites(), await beginBulk()];
    await end();
    const answers = await Promise.all(writes.map((write) => write.end()));
    expect(answers.slice(0, 5).map((answer) => answer.status)).toEqual(Array(5).fill(status));
    for (const { status: refused } of answers.slice(5)) expect([400, status]).toContain(refused);
    const { body } = await bulk.end();
    expect(body.Operations.map((operation: { status: string }) => operation.status)).toEqual(
      Array(3).fill(String(status)),
    );
    expect(await stored()).toEqual(before);
  });

  it.each([
    ['its integration is being deleted', remove],
    ['its integration is deleted', removeWholly],
    ['its tenant is deleted', removeTenant],
  ])(
    '%s is refused, and nothing is left behind',
    async (_what, end) => {
      const [writes, bulk] = [await beginWrites(), await beginBulk()];
      await end();
      const answers = await Promise.all(writes.map((write) => write.end()));
      expect(answers.slice(0, 5).map((answer) => answer.status)).toEqual(Array(5).fill(401));
      for (const { status } of answers.slice(5)) expect([400, 401]).toContain(status);
      const { body } = await bulk.end();
      expect(body.Operations.map((operation: { status: string }) => operation.status)).toEqual(
        Array(3).fill('401'),
      );
      await waitFor('every row of the integration to be gone', stored, (tables) =>
        Object.values(tables).every((rows) => rows.length === 0),
      );
    },
    60_000,
  );

  it('the mode became paused is carried out as usual', async () => {
    const write = await begin('POST', '/Users', { schemas: [USER_SCHEMA], userName: 'on.time@example.com' });
    expect((await scimify.admin.post(`/integrations/${integration.id}/pause`)).status).toBe(200);
    expect((await write.end()).status).toBe(201);
  });
});
