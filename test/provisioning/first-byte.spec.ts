import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { Scimify } from '../support/scimify';
import { statementLogger } from '../support/statement-logger';
import { waitFor } from '../support/wait';

const MEMBERS = 6;
const email = (index: number) => `user.${index}@example.com`;

describe('a member who is added to a synced group', () => {
  let scimify: Scimify;
  const statements: { sql: string; at: number }[] = [];

  beforeAll(async () => {
    scimify = await Scimify.start();
    const logger = statementLogger((sql) =>
      statements.push({ sql, at: performance.timeOrigin + performance.now() }),
    );
    const { writer } = scimify.app.get<{ writer: DataSource }>(TransactionRunner);
    for (const source of [writer, scimify.app.get<DataSource>(getDataSourceToken())]) source.logger = logger;
  });
  afterAll(() => scimify.stop());

  it('is called for within forty statements of the commit', async () => {
    const integration = await scimify.createIntegration();
    const indexes = Array.from({ length: MEMBERS }, (_, index) => index);
    scimify.pagerDuty.addUsers(indexes.map((index) => ({ email: email(index) })));
    const users = await integration.scim.createUsers(indexes.map(email));
    await integration.scim.createGroup('Everyone', users);
    const group = await integration.scim.createGroup('On-call', users.slice(0, 1));
    await scimify.settled(integration);
    const isIdle = () => statements.some(({ sql }) => sql.startsWith('UPDATE lease SET owner = NULL'));
    const counts: number[] = [];
    for (const user of users.slice(1)) {
      await waitFor('the run to end', isIdle, Boolean);
      statements.length = 0;
      scimify.pagerDuty.clearCalls();
      await integration.scim.addMembers(group, user);
      const [call] = await waitFor(
        'the call',
        () => scimify.pagerDuty.calls(),
        ({ length }) => length > 0,
      );
      const before = statements.filter(({ at }) => at < call!.at);
      counts.push(before.length - 1 - before.findIndex(({ sql }) => sql.startsWith('COMMIT')));
    }
    // The product's own queries, which run every second, may come in between.
    expect(Math.min(...counts)).toBeLessThanOrEqual(40);
  }, 60_000);
});
