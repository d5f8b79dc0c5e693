import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module';
import { createApplication } from '../../src/application';
import { readSettings } from '../../src/config/settings';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { AdminKey } from '../../src/tenants/admin-keys/admin-key.entity';
import { createTestDatabase } from '../support/database';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

const MIB = 1024 * 1024;

/** A request that has sent its headers, and only the given part of its body. */
class BegunRequest {
  private received = '';

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data) => (this.received += data.toString()));
    socket.on('error', () => undefined);
  }

  static async send(url: string, target: string, token: string | null, length: number, body: string) {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const key = token === null ? '' : `Authorization: Bearer ${token}\r\n`;
    socket.write(
      `POST ${target} HTTP/1.1\r\nHost: x\r\n${key}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`,
    );
    return new BegunRequest(socket);
  }

  complete(rest: string): void {
    this.socket.write(rest);
  }

  /** The status line, as soon as it is there. */
  async status(): Promise<number> {
    const answer = await waitFor(
      'an answer',
      () => Promise.resolve(this.received),
      (text) => /^HTTP\/1\.1 \d+/.test(text),
      15_000,
    );
    return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)![1]);
  }

  close(): void {
    this.socket.destroy();
  }
}

describe('the admin door', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  const platformKey = async (): Promise<{ id: string; token: string }> =>
    (await scimify.admin.post('/admin-keys', { name: 'Automation' })).body;

  const endNow = (id: string) =>
    scimify.app
      .get(TransactionRunner)
      .run((tx) => tx.manager.update(AdminKey, { id }, { expiresAt: Date.now() - 1 }));

  const refusedBeforeItsBody = async (target: string, token: string | null, status: number) => {
    const request = await BegunRequest.send(scimify.url, target, token, MIB, '{"name":"x","x":[{},');
    expect(await request.status()).toBe(status);
    request.close();
  };

  it('refuses whoever shows no key before a body of 1 MiB has arrived', () =>
    refusedBeforeItsBody('/api/v1/tenants', null, 401));

  it('refuses an unknown key before the body', () =>
    refusedBeforeItsBody('/api/v1/tenants', 'scimify_admin_nobody-has-this-key', 401));

  it('refuses an expired key before the body', async () => {
    const { id, token } = await platformKey();
    await endNow(id);
    await refusedBeforeItsBody('/api/v1/tenants', token, 401);
  });

  it('refuses a key of too low a role before the body', async () => {
    const tenantId = await scimify.createTenant();
    const viewer = await scimify.admin.post(`/tenants/${tenantId}/admin-keys`, { name: 'V', role: 'viewer' });
    await refusedBeforeItsBody('/api/v1/tenants', viewer.body.token, 403);
  });

  it.each(['/api/v1/nothing', '/nothing', '/scim/nothing'])(
    'does not read what is sent to %s, which does not exist',
    (target) => refusedBeforeItsBody(target, null, 404),
  );

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['revoked', (id) => scimify.admin.delete(`/admin-keys/${id}`)],
    ['ended', endNow],
  ])('does nothing for a key that is %s while its body is under way', async (_, end) => {
    const { id, token } = await platformKey();
    const body = JSON.stringify({ name: 'Made too late' });
    const request = await BegunRequest.send(
      scimify.url,
      '/api/v1/tenants',
      token,
      body.length,
      body.slice(0, 5),
    );
    // The request was let in, so its use is recorded.
    await waitFor(
      'the key to be seen',
      () => scimify.app.get(TransactionRunner).run((tx) => tx.manager.findOneBy(AdminKey, { id })),
      (key) => key?.lastUsedAt !== null,
    );
    await end(id);
    request.complete(body.slice(5));
    expect(await request.status()).toBe(401);
    request.close();
    const { body: tenants } = await scimify.admin.get('/tenants?limit=200');
    expect(tenants.items.map(({ name }: { name: string }) => name)).not.toContain('Made too late');
  });
});

@Controller('api/v1/undecided')
class UndecidedController {
  @Get()
  answer() {
    return { secret: 'of a tenant' };
  }
}

it('a route that says no role answers nobody, whoever asks', async () => {
  const database = await createTestDatabase();
  const settings = readSettings({
    DATABASE_URL: database.url,
    SCIMIFY_ADMIN_KEY: 'k'.repeat(20) + 'test-admin-key-012345',
    SCIMIFY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    SCIMIFY_NEW_DATABASE: 'true',
    SCIMIFY_PUBLIC_URL: 'https://scimify.example',
  });
  const rooms = { ...AppModule.forRoot(settings), controllers: [UndecidedController] };
  const app = await createApplication(rooms, settings, pino({ level: 'silent' }));
  try {
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/api/v1/undecided`;
    expect((await fetch(url)).status).toBe(401);
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${settings.adminKey}` } });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('of a tenant');
  } finally {
    await app.close();
    await database.remove();
  }
});
