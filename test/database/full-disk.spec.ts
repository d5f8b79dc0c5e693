import { Logger } from '@nestjs/common';
import { pino } from 'pino';
import { dialect } from '../../src/database/dialect';
import { Writer } from '../../src/database/writer';
import { NestLog } from '../../src/observability/logging';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

jest.setTimeout(120_000);

/** What MySQL answers when its disk is full, and when a table may not grow. */
const MYSQL_CODES = [1021, 1114];
const TABLES = ['scim_user', 'audit_event', 'member_change', 'remote_user', 'room_probe'];

describe('a database whose disk is full', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let lines: { level: number; msg: string }[];

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration();
    const sink = { write: (line: string) => void lines.push(JSON.parse(line)) };
    Logger.overrideLogger(new NestLog(pino({ level: 'info' }, sink)));
  });

  beforeEach(() => (lines = []));

  afterAll(async () => {
    Logger.overrideLogger(false);
    await scimify.stop();
  });

  /**
   * A real limit: SQLite may not grow by a page, and the server refuses insertions with the code of a full disk.
   */
  const fill = async (code: number) => {
    const { dataSource } = scimify.app.get(Writer);
    if (dialect === 'sqlite') {
      const [{ page_count: pages }] = await dataSource.query<[{ page_count: number }]>('PRAGMA page_count');
      await dataSource.query(`PRAGMA max_page_count = ${pages}`);
      return;
    }
    for (const table of TABLES) {
      await dataSource.query(
        `CREATE TRIGGER full_${table} BEFORE INSERT ON ${table} FOR EACH ROW
         SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${code}, MESSAGE_TEXT = 'full'`,
      );
    }
  };

  const makeRoom = async () => {
    const { dataSource } = scimify.app.get(Writer);
    if (dialect === 'sqlite') {
      await dataSource.query('PRAGMA max_page_count = 1000000');
      return;
    }
    for (const table of TABLES) await dataSource.query(`DROP TRIGGER full_${table}`);
  };

  const ready = async () => {
    const answer = await fetch(`${scimify.url}/health/ready`);
    return { status: answer.status, body: (await answer.json()) as object };
  };

  let users = 0;
  const post = () => scimify.scimWith(integration.id, integration.scimKey).post('/Users', newUser());
  const newUser = () => {
    const userName = `user-${users++}@example.com`;
    return {
      userName,
      emails: [{ value: userName }],
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      displayName: 'x'.repeat(200),
    };
  };
  /** Lines at level info wake no operator at night. */
  const alarms = () => lines.filter(({ level }) => level >= 40).map(({ msg }) => msg);

  const codes = dialect === 'sqlite' ? [0] : MYSQL_CODES;

  it.each(codes)(
    'asks the identity provider to try again, is not ready and says why, in one line, until there is room (%d)',
    async (code) => {
      const group = await integration.scim.createGroup(`On-call ${code}`);
      await scimify.settled(integration);
      await fill(code);
      // Many requests at once share a transaction. Each user whose creation is confirmed must be stored.
      const atOnce = Array.from({ length: 300 }, newUser);
      const answers = await Promise.all(atOnce.map((user) => integration.scim.post('/Users', user)));
      const refused = answers.filter(({ status }) => status !== 201);
      expect(refused.length).toBeGreaterThan(0);
      for (const { status, headers, body } of refused) {
        expect(status).toBe(429);
        expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
        expect(body).toMatchObject({ status: '429', detail: expect.stringContaining('disk') });
      }
      expect(await ready()).toEqual({
        status: 503,
        body: { status: 'unavailable', reason: expect.stringContaining('disk of the database is full') },
      });
      for (let more = 0; more < 20; more++) expect((await post()).status).toBe(429);
      // Data that fits into the existing pages is still written.
      const refusal = await waitFor(
        'an admin to be refused',
        () => scimify.admin.post('/tenants', { name: 'x'.repeat(200) }),
        ({ status }) => status !== 201,
      );
      expect(refusal).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
      expect(refusal.body.detail).toContain('disk');
      expect((await integration.scim.get(`/Groups/${group}`)).status).toBe(200);
      expect(alarms()).toEqual([expect.stringContaining('The disk of the database is full')]);

      await makeRoom();
      await waitFor('it to be ready', ready, ({ status }) => status === 200);
      expect(alarms()).toHaveLength(1);
      expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('has space again'));
      for (const [index, { userName }] of atOnce.entries()) {
        const found = await integration.scim.get(
          `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`,
        );
        expect(found.body.totalResults).toBe(answers[index]!.status === 201 ? 1 : 0);
      }
      scimify.pagerDuty.addUser({ email: `ada-${code}@example.com` });
      const ada = await integration.scim.createUser(`ada-${code}@example.com`);
      await integration.scim.addMembers(group, ada);
      await waitFor(
        'her to be on call',
        () => scimify.teams()[`On-call ${code}`],
        (emails) => emails?.join() === `ada-${code}@example.com`,
        // A run that could not release its lease has to wait until the lease ends.
        60_000,
      );
    },
  );
});
